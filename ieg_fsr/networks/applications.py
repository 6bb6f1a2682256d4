"""The networks of `keras.applications` by name, and what each expects of its pixels. No Keras before one is built.

Most of them contain their preprocessing. The others take pixels that `preprocess_input` of their module has prepared;
here plain layers do the same, so that a saved classifier takes raw pixels.
"""

from __future__ import annotations

import socket
import warnings
from typing import TYPE_CHECKING

from ieg_fsr.errors import UserError, one_line, refusal

if TYPE_CHECKING:
    import keras

PREFIX = "keras:"

# What the pixels 0..255 have to become: nothing, [-1, 1], ImageNet's mean 0 and deviation 1, or centred BGR.
_CONTAINED = (
    "ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge EfficientNetB0 EfficientNetB1 EfficientNetB2 "
    "EfficientNetB3 EfficientNetB4 EfficientNetB5 EfficientNetB6 EfficientNetB7 EfficientNetV2B0 EfficientNetV2B1 "
    "EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L EfficientNetV2M EfficientNetV2S MobileNetV3Large "
    "MobileNetV3Small"
)
_SYMMETRIC = (
    "InceptionResNetV2 InceptionV3 MobileNet MobileNetV2 NASNetLarge NASNetMobile ResNet101V2 ResNet152V2 ResNet50V2 "
    "Xception"
)
_STANDARDISED = "DenseNet121 DenseNet169 DenseNet201"
_CENTRED_BGR = "ResNet101 ResNet152 ResNet50 VGG16 VGG19"
_PREPROCESSING = {
    name: kind
    for kind, names in (
        ("contained", _CONTAINED),
        ("symmetric", _SYMMETRIC),
        ("standardised", _STANDARDISED),
        ("centred BGR", _CENTRED_BGR),
    )
    for name in names.split()
}
APPLICATIONS: tuple[str, ...] = tuple(sorted(_PREPROCESSING))

# ImageNet's mean and deviation of red, green, blue, in 0..1; and the means of `preprocess_input`, blue first.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BGR_MEAN = (103.939, 116.779, 123.68)
CHANNELS = 3
# Seconds that a download may say nothing.
_PATIENCE = 20.0


def build_application(name: str, image_shape: tuple[int, int, int], *, imagenet: bool) -> keras.Model:
    """One of `APPLICATIONS` without its top: images [B, H, W, 3], prepared by `prepared`, to features [B, D].

    Args: imagenet: whether to fetch ImageNet's weights; else they are drawn.

    Raises:
      UserError: the images are too small for the network, or the weights cannot be fetched.
    """
    import keras

    make = getattr(keras.applications, name)
    weights = "imagenet" if imagenet else None
    waited = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        with warnings.catch_warnings():
            # ImageNet's weights are for any size: of another one than theirs Keras warns.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            return make(include_top=False, weights=weights, input_shape=image_shape, pooling="avg")
    except ValueError as error:
        raise no_fit(f"{PREFIX}{name}", image_shape, error) from None
    except Exception as error:  # Keras' download raises a bare Exception for whatever is wrong with the network
        if not imagenet:
            raise
        rule = f"be a file or none where the weights of {PREFIX}{name} cannot be fetched"
        raise refusal("--init", rule, f"imagenet ({one_line(error)[:250]})") from None
    finally:
        socket.setdefaulttimeout(waited)


def no_fit(network: str, image_shape: tuple[int, ...], error: object = "") -> UserError:
    """The error about images that a network cannot take."""
    text = str(error)
    if 'name: "' not in text and text:
        text = next((line for line in text.splitlines() if line.strip()), "").split(". ")[0][:200]
        text = f" ({text})"
    sides = "x".join(map(str, image_shape))
    return refusal(
        f"--network={network}", f"take the images, or --input_size bring them to a size that fits{text}", sides
    )


def prepared(name: str, images: keras.KerasTensor) -> keras.KerasTensor:
    """Raw pixels [B, H, W, 3], red first, as the application takes them: by plain layers without parameters."""
    import keras

    layers, kind = keras.layers, _PREPROCESSING[name]
    if kind == "symmetric":
        return layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="prepared")(images)
    if kind == "standardised":
        scale = [1 / (255 * deviation) for deviation in _DEVIATION]
        offset = [-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)]
        return layers.Rescaling(scale, offset=offset, dtype="float32", name="prepared")(images)
    if kind == "centred BGR":
        # "channels_first" crops the last two axes, which here are width (by nothing) and channels.
        one = [
            layers.Cropping2D(
                ((0, 0), (left, CHANNELS - 1 - left)), data_format="channels_first", dtype="float32", name=color
            )
            for left, color in ((2, "blue"), (1, "green"), (0, "red"))
        ]
        colors = layers.Concatenate(dtype="float32", name="blue_green_red")([crop(images) for crop in one])
        return layers.Rescaling(1.0, offset=[-mean for mean in _BGR_MEAN], dtype="float32", name="prepared")(colors)
    return images


def corrected(name: str, imagenet: bool, layer: keras.Operation, outputs: keras.KerasTensor) -> keras.KerasTensor:
    """What comes out of a layer, as it does where the network is built with ImageNet's weights.

    The normalisation of EfficientNet B0 to B7 divides by the root of a deviation; Keras divides by it once more, but
    only where it fetches the weights itself, and weights from a file expect the same.
    """
    import keras

    if not imagenet and name.startswith("EfficientNetB") and isinstance(layer, keras.layers.Normalization):
        scale = [deviation**-0.5 for deviation in _DEVIATION]
        return keras.layers.Rescaling(scale, dtype="float32", name="normalization_of_deviations")(outputs)
    return outputs
