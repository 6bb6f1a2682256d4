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

RECIPES: dict[str, dict[str, Any]] = {
    "digits": _DIGITS,
    "fashion_mnist": _FASHION_MNIST,
    "cifar10": _CIFAR_NOISE,
    "cifar100": _CIFAR_NOISE,
}

# What the authors' released code does, where the defaults do something cheaper.
FAITHFUL = {"pusher": "release", "reward_features": "forward", "reward_interval": 1}


def recipe(dataset: str, method: str, faithful: bool) -> dict[str, Any]:
    """Settings of one experiment. MixUp belongs to FSR; the supervised baseline is plain unless told otherwise."""
    return RECIPES[dataset] | {"mixup": method == "fsr"} | (FAITHFUL if faithful else {})
