"""Remix: a mixed sample is labelled as the rarer class alone where the other one is much more frequent (Chou et al.,
Remix: Rebalanced Mixup, ECCV workshops 2020)."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.methods.remix import REMIX_KAPPA, REMIX_TAU


def remix_label_shares(
    shares: tf.Tensor, own_counts: tf.Tensor, other_counts: tf.Tensor, kappa: float, tau: float
) -> tf.Tensor:
    """1 where n_i <= n_j / kappa and 1 - m < tau, else m, the share that a sample i has in its mixed image, [B].

    The paper's rule has a third case, 0 where n_i >= kappa n_j and m < tau. Here m is at least one half, and so it
    cannot occur: that pair is seen from the other side.

    Args: shares: m, [B], in [1/2, 1]. own_counts, other_counts: n_i and n_j, [B]. kappa: >= 1. tau: in [0, 1/2].
    """
    rarer = (kappa * own_counts <= other_counts) & (1.0 - shares < tau)
    return tf.where(rarer, tf.ones_like(shares), shares)


class Remix(Supervised):
    """Supervised training on pairs whose labels are mixed by `remix_label_shares`."""

    def __init__(
        self,
        classifier: keras.Model,
        class_counts: np.ndarray,
        *,
        kappa: float = 3.0,
        tau: float = 0.5,
        mixup_alpha: float = 1.0,
        **supervised: Any,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            class_counts: n, [C], of the given labels.
            kappa: how many times as frequent the other class must be, at least 1.
            tau: share of the mixed image below which the other one must stay, in [0, 1/2].
            mixup_alpha: Beta parameter of MixUp.
            **supervised: see `Supervised`.

        Raises:
            UserError: an argument is out of range.
        """
        super().__init__(classifier, mixup_alpha=mixup_alpha, **supervised)
        REMIX_KAPPA.check_argument(kappa)
        REMIX_TAU.check_argument(tau)
        if not mixup_alpha:
            raise UserError("mixup_alpha must be greater than 0 with Remix. Received: 0")
        self.kappa, self.tau = kappa, tau
        self.class_counts = np.asarray(class_counts, np.float32)

    def mixup_label_shares(self, labels: tf.Tensor) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """From partners' rows [B] and shares in the images [B] to shares of the labels [B]."""
        counts = tf.gather(tf.constant(self.class_counts), labels)
        return lambda partner, shares: remix_label_shares(
            shares, counts, tf.gather(counts, partner), self.kappa, self.tau
        )
