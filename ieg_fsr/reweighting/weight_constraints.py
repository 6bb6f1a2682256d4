"""From the meta gradient to sample weights that sum to one (paper, section 3.1 and appendix)."""

from collections.abc import Callable

import tensorflow as tf

# Added to the sum that divides the weights: a batch in which every meta gradient is clipped gets zeros, not NaN.
SUM_EPSILON = 1e-5


def clip(meta_gradient: tf.Tensor) -> tf.Tensor:
    """`max(0, -g_i)`: a sample whose weight should shrink is left out. For wrong labels.

    From the derivative [B] of the reward loss by each sample's weight to weights [B], not normalised.
    """
    return tf.nn.relu(-meta_gradient)


def shift(meta_gradient: tf.Tensor) -> tf.Tensor:
    """`raw_i - min(raw) + 1/b` with `raw_i = 1/b - g_i`: every sample keeps some weight. For rare classes.

    From the derivative [B], as above, to weights [B] of at least 1/B, not normalised.
    """
    uniform = 1.0 / tf.cast(tf.size(meta_gradient), meta_gradient.dtype)
    raw = uniform - meta_gradient
    return raw - tf.reduce_min(raw) + uniform


WEIGHT_CONSTRAINTS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {"clip": clip, "shift": shift}


def normalised_weights(meta_gradient: tf.Tensor, weight_constraint: str = "clip") -> tf.Tensor:
    """Sample weights [B] that sum to one (to zero, if `clip` leaves no sample over).

    Raises:
        ValueError: `weight_constraint` is not one of `WEIGHT_CONSTRAINTS`.
    """
    if weight_constraint not in WEIGHT_CONSTRAINTS:
        raise ValueError(
            f"weight_constraint must be one of {', '.join(WEIGHT_CONSTRAINTS)}. Received: {weight_constraint}"
        )
    weights = WEIGHT_CONSTRAINTS[weight_constraint](meta_gradient)
    return weights / (tf.reduce_sum(weights) + SUM_EPSILON)
