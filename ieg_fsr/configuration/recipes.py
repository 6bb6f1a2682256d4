"""Settings of the paper's experiments (its Table 4 and schedules), by data set and by what is wrong with the data.

Flags that are given win over them.

Names are those of settings; what a method changes is in its `MethodSpec`. Nothing here imports TensorFlow.
"""

from collections.abc import Collection
from typing import Any

from ieg_fsr.configuration.settings import settings_for
from ieg_fsr.methods.registry import METHODS

# Paper, Table 4 and section 4.1, CIFAR with label noise.
_CIFAR_NOISE = {
    "network": "wrn28_10",
    "epochs": 127,
    "batch_size": 100,
    "learning_rate": 0.1,
    "schedule": "cosine_restarts",
    "weight_decay": 5e-4,
    "padding": 2,
    "flip": True,
    "dictionary_size": 2000,
    "reward_batch_size": 200,
    "reweight_warmup_epochs": 20,
    "label_momentum": 0.1,
    "pseudo_label_loss_weight": 2.0,
    "weight_constraint": "clip",
}

# Paper, Table 4 and section 4.2, CIFAR with a long tail: clean labels, so neither MixUp nor pseudo labels. The warm-up
# is the short one; FSR-DF ("deferred") starts re-weighting with the first drop of the rate, after 160 epochs.
_CIFAR_LONG_TAIL = {
    "network": "resnet32",
    "epochs": 200,
    "batch_size": 100,
    "learning_rate": 0.1,
    "schedule": "steps",
    "drop_epochs": (160, 180),
    "weight_decay": 5e-4,
    "label_smoothing": 0.1,
    "mixup": False,
    "padding": 4,
    "flip": True,
    "dictionary_size": 3000,
    "reward_batch_size": 800,
    "reweight_warmup_epochs": 20,
    "pseudo_label_loss_weight": 0.0,
    "weight_constraint": "shift",
}

# Paper, Table 4, CIFAR with a long tail and label noise.
_CIFAR_LONG_TAIL_NOISE = _CIFAR_LONG_TAIL | {
    "batch_size": 128,
    "mixup": True,
    "reward_batch_size": 200,
    "reweight_warmup_epochs": 160,
    "label_momentum": 0.1,
    "pseudo_label_loss_weight": 2.0,
    "weight_constraint": "clip",
}

# Not in the paper: small images for small machines.
_DIGITS = {
    "network": "small_cnn",
    "epochs": 100,
    "batch_size": 100,
    "learning_rate": 0.1,
    "schedule": "cosine",
    "weight_decay": 5e-4,
    "padding": 1,
    "flip": False,
    "dictionary_size": 200,
    "reward_batch_size": 100,
    "reweight_warmup_epochs": 10,
    "label_momentum": 0.1,
    "pseudo_label_loss_weight": 2.0,
    "weight_constraint": "clip",
}

_FASHION_MNIST = _DIGITS | {"epochs": 60, "padding": 2, "flip": True, "dictionary_size": 500}

# Paper, WebVision-mini; the batch is that of 8 devices with 16 images each. Three epochs of rising rate come first, so
# that the last restart ends with the run.
_WEBVISION_MINI = {
    "network": "resnet50",
    "epochs": 130,
    "learning_rate_warmup_epochs": 3,
    "batch_size": 128,
    "learning_rate": 0.1,
    "schedule": "cosine_restarts",
    "weight_decay": 1e-4,
    "flip": True,
    "dictionary_size": 5000,
    "reward_batch_size": 200,
    "reweight_warmup_epochs": 20,
    "label_momentum": 0.1,
    "pseudo_label_loss_weight": 1.0,
    "weight_constraint": "clip",
    "image_size": 224,
}

# Paper, iNaturalist 2018: 90 epochs, re-weighting deferred. Where the rate drops and re-weighting starts is carried
# over from its long-tailed CIFAR, 160 and 180 of 200 epochs.
_INATURALIST2018 = {
    "network": "resnet50",
    "epochs": 90,
    "batch_size": 32,
    "learning_rate": 0.1,
    "schedule": "steps",
    "drop_epochs": (72, 81),
    "weight_decay": 1e-4,
    "label_smoothing": 0.1,
    "mixup": False,
    "flip": True,
    "dictionary_size": 2000,
    "reward_batch_size": 350,
    "reweight_warmup_epochs": 72,
    "pseudo_label_loss_weight": 0.0,
    "weight_constraint": "shift",
    "image_size": 224,
}

# Not in the paper: a user's own images. Few members in the dictionary, so that small data sets need no flag; one
# cosine, which ends well after any number of epochs.
_OWN_DATA = {"dictionary_size": 200, "reward_batch_size": 100, "schedule": "cosine"}
_OWN_SMALL = _CIFAR_NOISE | _OWN_DATA | {"network": "resnet32"}
_OWN_LARGE = _WEBVISION_MINI | _OWN_DATA | {"epochs": 90, "batch_size": 32, "pseudo_label_loss_weight": 2.0}
LARGEST_TINY, LARGEST_SMALL = 16, 64  # sides, in pixels

# The long tails of the small data sets differ from their noise as CIFAR's do, with the drops at the same shares of the
# run. Chosen by analogy, not tuned.
_SMALL_LONG_TAIL = {
    "schedule": "steps",
    "label_smoothing": 0.1,
    "mixup": False,
    "pseudo_label_loss_weight": 0.0,
    "weight_constraint": "shift",
}
_DIGITS_LONG_TAIL = _DIGITS | _SMALL_LONG_TAIL | {"drop_epochs": (80, 90)}
_FASHION_LONG_TAIL = _FASHION_MNIST | _SMALL_LONG_TAIL | {"drop_epochs": (48, 54)}
_SMALL_LONG_TAIL_NOISE: dict[str, Any] = {"mixup": True, "pseudo_label_loss_weight": 2.0, "weight_constraint": "clip"}

# Label noise, and clean data.
RECIPES: dict[str, dict[str, Any]] = {
    "digits": _DIGITS,
    "fashion_mnist": _FASHION_MNIST,
    "cifar10": _CIFAR_NOISE,
    "cifar100": _CIFAR_NOISE,
    "webvision_mini": _WEBVISION_MINI,
    "inaturalist2018": _INATURALIST2018,
}

# A long tail of right labels.
LONG_TAIL_RECIPES: dict[str, dict[str, Any]] = {
    "digits": _DIGITS_LONG_TAIL,
    "fashion_mnist": _FASHION_LONG_TAIL,
    "cifar10": _CIFAR_LONG_TAIL,
    "cifar100": _CIFAR_LONG_TAIL,
}

# A long tail with label noise: re-weighting starts with the first drop of the rate.
LONG_TAIL_NOISE_RECIPES: dict[str, dict[str, Any]] = {
    # Rare classes have about ten examples, and 20 places each would take in all wrong labels that noise gave them:
    # purity .81 against 1.00 at imbalance 20 and 20 % noise.
    "digits": _DIGITS_LONG_TAIL | _SMALL_LONG_TAIL_NOISE | {"reweight_warmup_epochs": 80, "dictionary_size": 50},
    "fashion_mnist": _FASHION_LONG_TAIL | _SMALL_LONG_TAIL_NOISE | {"reweight_warmup_epochs": 48},
    "cifar10": _CIFAR_LONG_TAIL_NOISE,
    "cifar100": _CIFAR_LONG_TAIL_NOISE,
}

# What no data set says otherwise.
_EVERYWHERE: dict[str, Any] = {"mixup": True, "weight_decay": 5e-4, "parameter_average_decay": 0.999}


def recipe(
    dataset: str,
    method: str,
    presets: Collection[str] = (),
    image_side: int | None = None,
    *,
    long_tailed: bool = False,
    noisy: bool = False,
) -> dict[str, Any]:
    """Settings of one experiment, those of the method among them.

    A user's own data (folder:, npz:, tfds:) are treated as the known data set that they resemble: images up to 16x16
    pixels as the digits, up to 64x64 as CIFAR with label noise (ResNet-32, pad-and-crop, mirrored: give --noflip where
    left and right matter), larger ones as WebVision (ResNet-50, random-resized crops, mirrored) over 90
    epochs in batches of 32. The rate falls along one cosine; the dictionary has 200 members.

    Args:
        dataset: value of --dataset.
        method: "fsr", or a method it is compared with.
        presets: those of the method's switches that are on.
        image_side: of own data, the longer side of the images after loading; None: in files, not known.
        long_tailed: the classes are cut to a long tail.
        noisy: labels are made wrong; matters for a long tail only.
    """
    recipes = RECIPES
    if long_tailed:
        recipes = LONG_TAIL_NOISE_RECIPES if noisy else LONG_TAIL_RECIPES
    spec, known = METHODS[method], settings_for(method)
    values = _EVERYWHERE | (recipes.get(dataset) or RECIPES.get(dataset) or _own_data(dataset, image_side))
    values |= {**spec.recipe, **spec.dataset_recipes.get(dataset, {})}
    for preset in presets:
        values |= spec.presets[preset]
    return {name: value for name, value in values.items() if name in known}


def _own_data(dataset: str, image_side: int | None) -> dict[str, Any]:
    """The recipe of the known data set that own data resemble."""
    if image_side is not None and image_side <= LARGEST_TINY:
        return _DIGITS
    if image_side is not None and image_side <= LARGEST_SMALL:
        return _OWN_SMALL
    if image_side is not None and dataset.startswith("npz:"):
        # Arrays are not resized: they are padded by an eighth and cropped.
        as_they_are = {name: value for name, value in _OWN_LARGE.items() if name != "image_size"}
        return as_they_are | {"padding": image_side // 8}
    return _OWN_LARGE
