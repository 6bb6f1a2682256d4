"""Networks by name: each takes raw pixels 0..255 and ends in a Dense layer of logits.

The names are plain strings and Keras is imported only when a network is built, so that the command line can check
``--network`` without waiting for TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ieg_fsr.errors import UserError

if TYPE_CHECKING:
    import keras

# name -> (module of this package with a function `features`, its options)
_BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "small_cnn": ("small_cnn", {}),
    "resnet32": ("resnet_cifar", {"depth": 32}),
    "wrn28_10": ("wide_resnet", {"depth": 28, "widen_factor": 10}),
    "wrn28_2": ("wide_resnet", {"depth": 28, "widen_factor": 2}),
    "resnet50": ("resnet50", {}),
}

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")

NETWORKS: tuple[str, ...] = tuple(_BODIES)


def build_network(
    name: str, image_shape: tuple[int, int, int], num_classes: int, seed: int = 0, precision: str | None = None
) -> keras.Model:
    """Builds a classifier with freshly drawn weights, from raw pixels [B, H, W, channels] to float32 logits [B, C].

    The scaling of the pixels is inside, the last layer is the Dense layer `logits`, and every layer is Keras' own: a
    saved classifier loads without this package.

    Args:
      seed: the same seed draws the same weights, a different one different weights, whatever the global seed is.
      precision: Keras' dtype policy of the layers, one of `PRECISIONS`; None for the global one. Their variables, the
        scaling of the pixels and the logits are float32 in any case.

    Raises:
      UserError: the name is unknown, or the images are too small for the network.
    """
    if name not in _BODIES:
        raise UserError(f"--network must be one of {', '.join(NETWORKS)}. Received: {name}")
    import keras

    from ieg_fsr.networks.layers import derived_seeds

    module, options = _BODIES[name]
    seeds, policy = derived_seeds(seed), keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision or policy)
    try:
        pixels = keras.Input(tuple(image_shape))
        # In float32: bfloat16 has 8 bits, too few for pixels that MixUp has made something between two whole numbers.
        images = keras.layers.Rescaling(1 / 127.5, offset=-1, dtype="float32")(pixels)
        features = importlib.import_module(f"{__name__}.{module}").features(images, seeds, **options)
        glorot = keras.initializers.GlorotUniform(seed=next(seeds))
        # The losses are computed from these logits.
        logits = keras.layers.Dense(num_classes, kernel_initializer=glorot, dtype="float32", name="logits")(features)
        return keras.Model(pixels, logits, name=name)
    finally:
        keras.config.set_dtype_policy(policy)
