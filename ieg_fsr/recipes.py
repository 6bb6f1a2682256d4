"""Settings of the paper's experiments (its Table 4 and schedules), by data set; flags that are given win over them.

Names and meanings are those of `config.Config`. Nothing here imports TensorFlow.
"""

from typing import Any

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

# Not in the paper: a user's own images. Few members in the dictionary, so that small data sets need no flag.
_OWN_DATA = {"dictionary_size": 200, "reward_batch_size": 100}
_OWN_SMALL = _CIFAR_NOISE | _OWN_DATA | {"network": "resnet32"}
_OWN_LARGE = (
    _WEBVISION_MINI
    | _OWN_DATA
    | {"epochs": 90, "batch_size": 32, "schedule": "cosine", "pseudo_label_loss_weight": 2.0}
)
LARGEST_TINY, LARGEST_SMALL = 16, 64  # sides, in pixels

RECIPES: dict[str, dict[str, Any]] = {
    "digits": _DIGITS,
    "fashion_mnist": _FASHION_MNIST,
    "cifar10": _CIFAR_NOISE,
    "cifar100": _CIFAR_NOISE,
    "webvision_mini": _WEBVISION_MINI,
    "inaturalist2018": _INATURALIST2018,
}

# What the authors' released code does, where the defaults do something cheaper.
FAITHFUL = {"pusher": "release", "reward_features": "forward", "reward_interval": 1}


def recipe(dataset: str, method: str, faithful: bool, image_side: int | None = None) -> dict[str, Any]:
    """Settings of one experiment. MixUp belongs to FSR; the supervised baseline is plain unless told otherwise.

    A user's own data (folder:, npz:, tfds:) are treated as the known data set that they resemble: images up to 16x16
    pixels as the digits, up to 64x64 as CIFAR with label noise (ResNet-32, pad-and-crop, mirrored: give --noflip where
    left and right matter), larger ones as WebVision (ResNet-50, random-resized crops, mirrored), with one cosine over
    90 epochs in batches of 32. The dictionary has 200 members.

    Args:
        dataset: value of --dataset.
        method: value of --method.
        faithful: whether to do what the released code does.
        image_side: of own data, the longer side of the images after loading; None: in files, not known.
    """
    values = dict(RECIPES[dataset] if dataset in RECIPES else _own_data(dataset, image_side))
    values["mixup"] = method == "fsr" and values.get("mixup", True)
    return values | (FAITHFUL if faithful else {})


def _own_data(dataset: str, image_side: int | None) -> dict[str, Any]:
    if image_side is None:
        return _OWN_LARGE
    if image_side <= LARGEST_TINY:
        return _DIGITS
    if image_side <= LARGEST_SMALL:
        return _OWN_SMALL
    if dataset.startswith("npz:"):
        # Arrays are not resized: they are padded by an eighth and cropped.
        as_they_are = {name: value for name, value in _OWN_LARGE.items() if name != "image_size"}
        return as_they_are | {"padding": image_side // 8}
    return _OWN_LARGE
    if image_side <= LARGEST_TINY:
        return _DIGITS
    if image_side <= LARGEST_SMALL:
        return _OWN_SMALL
    if dataset.startswith("npz:"):
        # Arrays are not resized: they are padded by an eighth and cropped.
        return {name: value for name, value in _OWN_LARGE.items() if name != "image_size"} | {
            "padding": image_side // 8
        }
    return _OWN_LARGE
