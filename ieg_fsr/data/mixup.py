"""MixUp (Zhang et al. 2018), with a coefficient of at least one half for every sample: a sample keeps its identity."""

import tensorflow as tf

from ieg_fsr.stateless_random import split, uniform


def mixup(images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, alpha: float = 1.0) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixes each sample with its partner in a random order: m x_i + (1 - m) x_j, m = max(u, 1 - u), u ~ Beta.

    Args:
        images: [B, ...], float32.
        targets: [B, C], float32.
        seed: [2], int32.
        alpha: > 0. 1 draws uniformly; other values use gamma variates, which XLA does not compile on CPU.

    Returns:
        Mixed images [B, ...] and targets [B, C].
    """
    order_seed, share_seed = split(seed)
    batch_size = tf.shape(targets)[0]
    partner = tf.argsort(uniform([batch_size], order_seed))
    share = _beta([batch_size], share_seed, alpha)
    share = tf.maximum(share, 1.0 - share)

    def mix(values: tf.Tensor) -> tf.Tensor:
        m = tf.reshape(share, [-1] + [1] * (values.shape.rank - 1))
        return m * values + (1.0 - m) * tf.gather(values, partner)

    return mix(images), mix(targets)


def _beta(shape: list[tf.Tensor], seed: tf.Tensor, alpha: float) -> tf.Tensor:
    """Beta(alpha, alpha) variates: X / (X + Y) for two gamma variates, uniform ones for alpha = 1."""
    if alpha == 1.0:
        return uniform(shape, seed)
    x, y = (tf.random.stateless_gamma(shape, one_seed, alpha) for one_seed in split(seed))
    return x / (x + y)
