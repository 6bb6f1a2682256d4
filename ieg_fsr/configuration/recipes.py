"""Settings of an experiment: its data set's for what is wrong with the data, and what its method changes.

Each data set declares its own (`DataSetSpec.recipe`). Flags that are given win over them. Names and meanings are those
of `settings.Config`. Nothing here imports TensorFlow.
"""

from typing import Any

from ieg_fsr.data.sources import own_data
from ieg_fsr.data.sources.datasets import SPECS

# What the authors' released code does, where the defaults do something cheaper.
FAITHFUL = {"pusher": "release", "reward_features": "forward", "reward_interval": 1}


# MixUp and smoothed labels belong to FSR's experiments; a baseline is plain unless told otherwise.
_BASELINE = {"mixup": False, "label_smoothing": 0.0}

# Methods with a hold-out. L2R (Ren et al. 2018, Algorithm 1, and the re-implementation of FSR's authors) looks
# ahead by plain SGD from weights of zero; MWN (Shu et al. 2019, and its authors' code) by plain SGD with its own
# weights. Both re-weight from the first step, with a fresh batch of clean images of the size of the training batch.
_HOLD_OUT = _BASELINE | {
    "reward_source": "holdout",
    "meta_layers": "all",
    "reward_batch_size": 100,
    "reward_features": "forward",
    "reward_interval": 1,
    "lookahead_momentum": 0.0,
    "weight_constraint": "clip",
    "reweight_warmup_epochs": 0,
    "pseudo_label_loss_weight": 0.0,
}
METHOD_RECIPES: dict[str, dict[str, Any]] = {
    "fsr": {},
    "l2r": _HOLD_OUT | {"initial_sample_weights": "zero"},
    "mwn": _HOLD_OUT | {"weight_rule": "weight_net"},
}

# A method's own settings, where its paper has others for the data set than the defaults.
METHOD_SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    # Liu et al. 2020; the defaults are those for CIFAR-10, and reach on digits what is expected of the method.
    ("elr", "cifar100"): {"elr_lambda": 7.0, "elr_momentum": 0.9},
    # 1000 clean images in total, as in their papers; on CIFAR-100 these are the default's 10 of each class.
    ("l2r", "cifar10"): {"clean_per_class": 100},
    ("mwn", "cifar10"): {"clean_per_class": 100},
    # The default of 1e-3 is for 60,000 steps, and these are 1,300. Accuracy of MWN at 40 % and 80 % noise, seed 0, by
    # rate: 1e-3 .961, .789; 3e-3 .972, .903; 1e-2 .975, .464 (all weights saturate, and stay so). With the final Dense
    # layer only, which shares the setting: 1e-3 .950, .817; 3e-3 .936, .706; 1e-2 .911, .608.
    ("mwn", "digits"): {"weight_net_learning_rate": 3e-3},
}


def recipe(
    dataset: str,
    method: str,
    faithful: bool,
    image_side: int | None = None,
    *,
    long_tailed: bool = False,
    noisy: bool = False,
) -> dict[str, Any]:
    """Settings of one experiment.

    Args:
        dataset: value of --dataset.
        method: "fsr", or a method it is compared with.
        faithful: as the authors' released code.
        image_side: of own data, the longer side of the images after loading; None: in files, not known.
        long_tailed: the classes are cut to a long tail.
        noisy: labels are made wrong; matters for a long tail only.
    """
    # A run of another program's data set is read as one of own data.
    known = SPECS.get(dataset.partition(":")[0])
    by_side = known.recipe if known else own_data.recipe
    values = {"mixup": True} | by_side(image_side).of(long_tailed=long_tailed, noisy=noisy)
    values |= METHOD_RECIPES.get(method, _BASELINE)
    return values | METHOD_SETTINGS.get((method, dataset), {}) | (FAITHFUL if faithful else {})


def settings_of_recipes() -> set[str]:
    """Names of all settings that a recipe gives."""
    sides = (None, own_data.LARGEST_TINY, own_data.LARGEST_SMALL, own_data.LARGEST_SMALL + 1)
    of_data = [settings for spec in SPECS.values() for side in sides for settings in spec.recipe(side) if settings]
    return {"mixup"}.union(*of_data, *METHOD_RECIPES.values(), *METHOD_SETTINGS.values())
