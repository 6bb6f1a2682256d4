"""How the settings of a run are resolved: given value, else recipe, else default; and what they must be together.

Nothing here imports TensorFlow: a mistyped flag is answered at once.
"""

import dataclasses
import pathlib
from typing import Any

from ieg_fsr.configuration.recipes import recipe
from ieg_fsr.configuration.settings import FIELDS, Config, validate
from ieg_fsr.data.labels.corruption import check_noise_type
from ieg_fsr.data.sources.datasets import image_side, spec_of
from ieg_fsr.errors import UserError
from ieg_fsr.methods import WITHOUT_MIXUP

# What a recipe is chosen by.
RECIPE_CHOICES = (
    *("dataset", "data_dir", "image_size", "method", "faithful", "noise", "noise_matrix", "labels_file", "imbalance"),
)


def resolve(given: dict[str, Any]) -> Config:
    """Resolves settings: given value, else recipe, else default.

    Args:
        given: values by field name.

    Raises:
        UserError: a value breaks its rule, or a flag that the mode needs is missing.
    """
    for name, value in given.items():
        validate(name, value)
    chosen = {name: given.get(name, FIELDS[name].default) for name in RECIPE_CHOICES}
    config = Config(**(recipe_of(chosen) | _implied(given) | given))
    _check_together(config)
    if config.mode != "evaluate" and config.model_dir is None:
        config = dataclasses.replace(config, model_dir=_run_directory(config))
        validate("model_dir", config.model_dir)
    object.__setattr__(config, "given", frozenset(given))
    return config


def _implied(given: dict[str, Any]) -> dict[str, Any]:
    """What follows from given values: an interval is one of forwards, and a hold-out has no history."""
    forwards = "reward_interval" in given or given.get("reward_source") == "holdout"
    return {"reward_features": "forward"} if forwards else {}


def recipe_of(chosen: dict[str, Any]) -> dict[str, Any]:
    """The recipe for the values of `RECIPE_CHOICES`, by their names."""
    noisy = chosen["noise"] > 0 or chosen["noise_matrix"] is not None or chosen["labels_file"] is not None
    return recipe(
        chosen["dataset"],
        chosen["method"],
        chosen["faithful"],
        chosen["image_size"] or image_side(chosen["dataset"], chosen["data_dir"]),
        long_tailed=chosen["imbalance"] > 1,
        noisy=noisy,
    )


def _check_together(config: Config) -> None:
    """Rules for several settings at once."""
    if config.mode == "evaluate" and config.model is None:
        raise UserError("--model must be given with --mode=evaluate: a saved classifier. Received: nothing")
    if config.mode == "audit" and config.model is None and config.model_dir is None:
        raise UserError("--model_dir (a finished run) or --model must be given with --mode=audit. Received: neither")
    if config.schedule == "steps" and not config.drop_epochs:
        raise UserError("--drop_epochs must be given with --schedule=steps, such as 160,180. Received: nothing")
    check_noise_type(config.noise_type, config.dataset)
    for name in ("labels_file", "noise_matrix"):
        if getattr(config, name) is not None and config.noise > 0:
            raise UserError(f"--noise must be 0 with --{name}, which has its own. Received: {config.noise:g}")
    if config.labels_file is not None and config.noise_matrix is not None:
        raise UserError(f"--noise_matrix must not be given with --labels_file. Received: {config.noise_matrix}")
    if config.method in WITHOUT_MIXUP and config.mixup:
        raise UserError(f"--mixup must be false with --method={config.method}. Received: true")
    if config.method == "forward_correction" and config.correction_matrix == "true" and config.labels_file is not None:
        raise UserError("--correction_matrix must be estimated or a file with --labels_file. Received: true")
    if config.method == "coteaching" and config.coteaching_forget_rate is None and config.labels_file is not None:
        raise UserError(
            "--coteaching_forget_rate must be given with --labels_file: the share of wrong labels. Received: nothing"
        )
    if config.precision == "mixed_float16" and config.reweights and config.meta_layers != "dense":
        raise UserError(
            "--precision must be float32 or mixed_bfloat16 with --meta_layers other than dense: the lookahead's own "
            "gradients would be too small for float16. Received: mixed_float16"
        )
    if config.holds_out:
        _check_hold_out(config)


def _check_hold_out(config: Config) -> None:
    """Rules for clean images: forwarded, as they are not trained on, and with true labels that are known."""
    if config.reward_features != "forward":
        raise UserError(
            "--reward_features must be forward with --reward_source=holdout: clean images are not trained on. "
            f"Received: {config.reward_features}"
        )
    # The labels of these are what is in question, unless other labels stand in for them.
    own_labels = config.noise == 0 and config.noise_matrix is None and config.labels_file is None
    spec = spec_of(config.dataset)
    if not spec.has_true_labels or (spec.place and own_labels):
        raise UserError(
            f"--reward_source must be dictionary with --dataset={config.dataset}, whose true labels are not known "
            "(those of own data count as true where --labels_file or --noise stands in for them). Received: holdout"
        )


def _run_directory(config: Config) -> str:
    """runs/DATASET/METHOD-noiseN-seedS, what else is done to labels or classes between N and S; audit-MODEL."""
    if config.mode == "audit":
        return f"runs/{_directory_name(config.dataset)}/audit-{pathlib.Path(config.model or '').stem}"
    kind = "noise" if config.noise_type == "uniform" else config.noise_type
    words = [config.method, f"{kind}{config.noise:g}"]
    if config.noise_matrix is not None or config.labels_file is not None:
        words[1] = pathlib.Path(config.noise_matrix or config.labels_file or "").stem
    if config.imbalance > 1:
        words.append(f"imbalance{config.imbalance:g}")
    return f"runs/{_directory_name(config.dataset)}/{'-'.join(words)}-seed{config.seed}"


def _directory_name(dataset: str) -> str:
    """folder:/a/flowers -> folder-flowers."""
    kind, colon, place = dataset.partition(":")
    return f"{kind}-{pathlib.Path(place).resolve().stem}" if colon else kind
