"""Networks by name: each takes raw pixels 0..255 and ends in a Dense layer of logits.

The names are plain strings and Keras is imported only when a network is built, so that the command line can check
``--network`` without waiting for TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ieg_fsr.errors import UserError, refusal
from ieg_fsr.networks.applications import APPLICATIONS, PREFIX

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
# What a network begins with, beside files.
IMAGENET, NO_INIT = "imagenet", "none"
# That of a saved model: what stands behind it is a file.
FILE_PREFIX = "file:"
CHOICES = f"{', '.join(NETWORKS)}, {PREFIX}NAME (of keras.applications, as EfficientNetB0), {FILE_PREFIX}MODEL.keras"


def is_network(name: str) -> bool:
    """Whether `name` is one of `NETWORKS`, an application of Keras, or a file by its name."""
    if name.startswith(PREFIX):
        return name.removeprefix(PREFIX) in APPLICATIONS
    return name in NETWORKS or (name.startswith(FILE_PREFIX) and name != FILE_PREFIX)


def build_network(
    name: str,
    image_shape: tuple[int, int, int],
    num_classes: int,
    seed: int = 0,
    precision: str | None = None,
    *,
    input_size: int | None = None,
    imagenet: bool = False,
) -> keras.Model:
    """Builds a classifier with freshly drawn weights, from raw pixels [B, H, W, channels] to float32 logits [B, C].

    The scaling of the pixels is inside, the last layer is the Dense layer `logits`, and every layer is Keras' own: a
    saved classifier loads without this package.

    Args:
      name: one of `NETWORKS`, or keras:NAME for one of `keras.applications`.
      seed: the same seed draws the same weights, a different one different weights, whatever the global seed is.
      precision: Keras' dtype policy of the layers, one of `PRECISIONS`; None for the global one. Their variables, the
        scaling of the pixels and the logits are float32 in any case.
      input_size: side to which the network resizes its images first; None leaves them as they are.
      imagenet: whether an application has the weights of ImageNet instead of drawn ones.

    Raises:
      UserError: the name is unknown, the images are too small for the network, or there are no weights of ImageNet.
    """
    application = name.removeprefix(PREFIX) if name.startswith(PREFIX) else None
    if name not in _BODIES and application not in APPLICATIONS:
        raise UserError(f"--network must be one of {CHOICES}. Received: {name}")
    if imagenet and application is None:
        raise refusal("--init", f"be none or a file with --network={name}", "imagenet")
    import keras

    from ieg_fsr.networks.layers import derived_seeds, policy, resized

    if application is not None:
        from ieg_fsr.networks.backbones import application_classifier

        return application_classifier(application, image_shape, num_classes, seed, precision, input_size, imagenet)
    module, options = _BODIES[name]
    seeds = derived_seeds(seed)
    with policy(precision):
        pixels = keras.Input(tuple(image_shape))
        # In float32: bfloat16 has 8 bits, too few for pixels that MixUp has made something between two whole numbers.
        images = keras.layers.Rescaling(1 / 127.5, offset=-1, dtype="float32")(resized(pixels, input_size))
        features = importlib.import_module(f"{__name__}.{module}").features(images, seeds, **options)
        glorot = keras.initializers.GlorotUniform(seed=next(seeds))
        # The losses are computed from these logits.
        logits = keras.layers.Dense(num_classes, kernel_initializer=glorot, dtype="float32", name="logits")(features)
        return keras.Model(pixels, logits, name=name)
