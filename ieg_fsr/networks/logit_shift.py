"""Moves the logits of a trained classifier by constants: another bias of its final Dense layer, nothing else."""

import keras
import numpy as np

from ieg_fsr.networks.split import input_structure, split_classifier


def balancing_shift(shares: np.ndarray, tau: float) -> np.ndarray:
    """-tau log pi, [C]: takes the classes' shares pi in training out of the logits (Menon et al. 2021, Eq. 9).

    Of tau = 1 the probabilities, if they were right for data as frequent by class as in training, are right for
    balanced classes. Args: shares: [C], above 0.
    """
    return -tau * np.log(shares)


def shifted(classifier: keras.Model, shift: np.ndarray) -> keras.Model:
    """A classifier whose logits are those of another one plus `shift` [C]; all layers but the last are shared.

    Raises UserError unless it is a built Functional or Sequential model that ends in Dense logits.
    """
    shared, head = split_classifier(classifier)
    dense = keras.layers.Dense(head.units, dtype=head.dtype_policy, name=head.name)
    model = keras.Model(input_structure(classifier), dense(shared.output), name=classifier.name)
    bias = head.bias.numpy() if head.use_bias else np.zeros(head.units)
    dense.kernel.assign(head.kernel)
    dense.bias.assign(bias + shift)
    return model
