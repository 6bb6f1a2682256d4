"""Random numbers that depend on a seed alone: the same with and without XLA, in any process.

TensorFlow's default generator gives XLA other integers for negative seeds and other floats for all; Philox's integers
agree.
"""

import tensorflow as tf

_GENERATOR = "philox"
_BITS = 24  # of a float32's mantissa


def fold_in(seed: tf.Tensor, number: tf.Tensor | int) -> tf.Tensor:
    """A seed [2] of its own for each `number` (scalar), from `seed` [2], int32."""
    return tf.random.experimental.stateless_fold_in(seed, tf.cast(number, tf.int32), alg=_GENERATOR)


def split(seed: tf.Tensor) -> list[tf.Tensor]:
    """Two seeds [2] from one, `seed` [2], int32."""
    return tf.unstack(tf.random.experimental.stateless_split(seed, 2, alg=_GENERATOR))


def uniform_integers(shape: list, seed: tf.Tensor, bound: int) -> tf.Tensor:
    """Integers in [0, bound), int32, of the given shape. Args: seed: [2], int32."""
    return tf.random.stateless_uniform(shape, seed, minval=0, maxval=bound, dtype=tf.int32, alg=_GENERATOR)


def uniform(shape: list, seed: tf.Tensor) -> tf.Tensor:
    """Multiples of 2^-24 in [0, 1), float32, of the given shape. Args: seed: [2], int32."""
    return tf.cast(uniform_integers(shape, seed, 2**_BITS), tf.float32) * 2.0**-_BITS


def permuted(places: tf.Tensor, size: int, seed: int, round_number: tf.Tensor) -> tf.Tensor:
    """Where a pseudo-random permutation of 0..size-1 sends `places` [B], int64, without making the whole permutation.

    Each `round_number` (scalar, int64) of a run's `seed` has its own permutation. `index_shuffle` uses the lowest byte
    of each of its keys only, so four of them in a row take in all 32 bits.
    """
    key = fold_in(tf.constant([seed, 0], tf.int32), round_number)
    last = tf.constant(size - 1, tf.int64)
    for shift in (0, 8, 16, 24):
        byte = tf.bitwise.bitwise_and(tf.bitwise.right_shift(key, shift), 255)
        places = tf.random.experimental.index_shuffle(places, byte, last)
    return places
