"""MixUp (Zhang et al. 2018), with a coefficient of at least one half for every sample: a sample keeps its identity."""

from collections.abc import Callable

import tensorflow as tf

from ieg_fsr.stateless_random import split, uniform

_HALVINGS = 23  # 1/2 * 2^-23 is the distance of neighbouring float32 below 1


def mixup(
    images: tf.Tensor,
    targets: tf.Tensor,
    seed: tf.Tensor,
    alpha: float = 1.0,
    reach: Callable[[tf.Tensor], tf.Tensor] | None = None,
    label_shares: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixes each sample with its partner in a random order: m x_i + (1 - m) x_j, m = max(u, 1 - u), u ~ Beta.

    Args:
        images: [B, ...], float32.
        targets: [B, C], float32.
        seed: [2], int32.
        alpha: > 0; 1 draws u uniformly.
        reach: from the partners' rows [B] to factors [B] in [0, 1] of their shares 1 - m; None for 1.
        label_shares: from the partners' rows [B] and m [B] to what m is for the targets, [B]; None for the same m.

    Returns:
        Mixed images [B, ...] and targets [B, C].
    """
    order_seed, share_seed = split(seed)
    batch_size = tf.shape(targets)[0]
    partner = tf.argsort(uniform([batch_size], order_seed))
    probability = uniform([batch_size], share_seed)
    share = _upper_beta_quantile(tf.maximum(probability, 1.0 - probability), alpha)
    if reach is not None:
        share = 1.0 - reach(partner) * (1.0 - share)

    def mix(values: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
        m = tf.reshape(share, [-1] + [1] * (values.shape.rank - 1))
        return m * values + (1.0 - m) * tf.gather(values, partner)

    return mix(images, share), mix(targets, share if label_shares is None else label_shares(partner, share))


def _upper_beta_quantile(probability: tf.Tensor, alpha: float) -> tf.Tensor:
    """Where the distribution function of Beta(alpha, alpha) reaches `probability` [B] in [1/2, 1]. [B]

    Found by halving [1/2, 1] until the bits of a float32 are used up. Gamma variates are no way to it: XLA has none on
    a CPU.
    """
    if alpha == 1.0:
        return probability
    parameter = tf.fill(tf.shape(probability), alpha)

    def halve(step: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        middle = (low + high) / 2.0
        is_below = tf.math.betainc(parameter, parameter, middle) < probability
        return step + 1, tf.where(is_below, middle, low), tf.where(is_below, high, middle)

    ends = tf.fill(tf.shape(probability), 0.5), tf.ones_like(probability)
    _, low, high = tf.while_loop(lambda step, *_: step < _HALVINGS, halve, (0, *ends))
    return (low + high) / 2.0
