"""How the settings of a run are resolved: given value, else recipe, else default; and what they must be together.

Nothing here imports TensorFlow: a mistyped flag is answered at once.
"""

import pathlib
import re
import zlib
from collections.abc import Mapping
from typing import Any

from ieg_fsr.configuration.recipes import recipe
from ieg_fsr.configuration.settings import (
    SETTINGS,
    Config,
    canonical,
    check_setting,
    defaults_for,
    refuse_others,
    settings_for,
    text_of,
)
from ieg_fsr.data.labels.corruption import check_noise_type
from ieg_fsr.data.labels.decisions import file_sha256
from ieg_fsr.data.sources.datasets import image_side
from ieg_fsr.errors import UserError, refusal
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.networks import FILE_PREFIX, IMAGENET, NETWORKS
from ieg_fsr.setting import COMPUTED, name_of

# Settings that a run's directory has words of its own for.
_LABELS = ("noise", "noise_type", "noise_matrix", "labels_file", "labels_key", "decisions")
_NAMED = frozenset({"dataset", "method", *_LABELS, "imbalance", "seed"})
# Features have no pixels to crop and mirror.
_OF_FEATURES: dict[str, Any] = {"padding": 0, "flip": False}
_LONGEST_NAME = 150  # letters, of a directory


def resolve(given: Mapping[str, Any]) -> Config:
    """Resolves settings: given value, else recipe, else default.

    Args:
        given: values by name of the setting; former spellings do as well.

    Raises:
        UserError: a value breaks its rule, a setting is one of other methods, or a flag that the mode needs is missing.
    """
    given = canonical(given)
    for name, value in given.items():
        check_setting(name, value)
    method = given.get("method", SETTINGS["method"].default)
    refuse_others(method, given)
    base = base_of(defaults_for(method) | given)
    config = Config(base | METHODS[method].imply(given) | given, frozenset(given))
    _check_together(config)
    METHODS[method].check(config, None)
    if config.mode != "evaluate" and config.model_dir is None:
        config = config.replace(model_dir=_run_directory(config, base))
        check_setting("model_dir", config.model_dir)
    return config


def base_of(values: Mapping[str, Any], image_size: int | None = None) -> dict[str, Any]:
    """What the settings of a run are where nothing is given: defaults, and its recipe over them.

    Args:
        values: data set, corruption, method and the method's own settings, by name; others are not looked at.
        image_size: where it is known better than by looking at the data.
    """
    method = values["method"]
    side = image_size or values["image_size"] or image_side(values["dataset"], values["data_dir"])
    base = defaults_for(method) | recipe(
        values["dataset"],
        method,
        [name for name in METHODS[method].presets if values[name]],
        side,
        long_tailed=values["imbalance"] > 1,
        noisy=values["noise"] > 0 or values["noise_matrix"] is not None or values["labels_file"] is not None,
    )
    if values["features"] == "frozen":
        base |= _OF_FEATURES
    return base | dict(METHODS[method].adapt(values, base))


def _check_together(config: Config) -> None:
    """Rules for several settings at once."""
    if config.mode == "evaluate" and config.model is None:
        raise UserError("--model must be given with --mode=evaluate: a saved classifier. Received: nothing")
    if config.mode == "audit" and config.model is None and config.model_dir is None:
        raise UserError("--model_dir (a finished run) or --model must be given with --mode=audit. Received: neither")
    if config.init == IMAGENET and (config.network in NETWORKS or config.network.startswith(FILE_PREFIX)):
        raise refusal("--init", f"be none or a file with --network={config.network}", config.init)
    _check_features(config)
    if config.export is not None and config.mode != "audit":
        raise UserError(f"--export must be given with --mode=audit only. Received: {config.export}")
    if config.schedule == "steps" and not config.drop_epochs:
        raise UserError("--drop_epochs must be given with --schedule=steps, such as 160,180. Received: nothing")
    check_noise_type(config.noise_type, config.dataset)
    for name in ("labels_file", "noise_matrix"):
        if getattr(config, name) is not None and config.noise > 0:
            raise UserError(f"--noise must be 0 with --{name}, which has its own. Received: {config.noise:g}")
    if config.labels_file is not None and config.noise_matrix is not None:
        raise UserError(f"--noise_matrix must not be given with --labels_file. Received: {config.noise_matrix}")
    if config.labels_key is not None and config.labels_file is None:
        raise UserError(f"--labels_key must be given with --labels_file only. Received: {config.labels_key}")
    if config.head != "dense" and config.logit_adjustment_after:
        rule = f"be 0 with --head={config.head}, which takes the classes as balanced"
        raise refusal("--logit_adjustment_after", rule, f"{config.logit_adjustment_after:g}")
    rules = ("auto", "none", *METHODS[config.method].skips)
    if config.skip not in rules:
        raise UserError(f"--skip must be {', '.join(rules[:-1])} or {rules[-1]} with --method={config.method}. "
                        f"Received: {config.skip}")  # fmt: skip
    if config.mixup and not METHODS[config.method].mixes:
        raise UserError(f"--mixup must be false with --method={config.method}. Received: true")


def _check_features(config: Config) -> None:
    """Rules for frozen features."""
    if config.features != "frozen":
        if config.head_units:
            raise refusal("--head_units", "be 0 without --features=frozen", config.head_units)
        return
    if config.network in NETWORKS and config.init is None:
        rule = f"be given with --features=frozen and --network={config.network}, whose features are drawn"
        raise refusal("--init", rule, "nothing")
    for name, value in {**_OF_FEATURES, "freeze": "none"}.items():
        if config[name] != value and (name, config[name]) != ("freeze", "backbone"):
            raise refusal(f"--{name}", f"be {text_of(value)} with --features=frozen", text_of(config[name]))


def _run_directory(config: Config, base: Mapping[str, Any]) -> str:
    """runs/DATASET/METHOD-noiseN-seedS, what else is done to labels or classes between N and S; audit-MODEL.

    After the method comes what is not as in the recipe: two runs that differ in what they compute do not meet.
    """
    if config.mode == "audit":
        return f"runs/{_directory_name(config.dataset)}/audit-{pathlib.Path(config.model or '').stem}"
    differing = [
        one.name
        for one in settings_for(config.method).values()
        if one.role == COMPUTED and one.name not in _NAMED and config[one.name] != base[one.name]
    ]
    kind = "noise" if config.noise_type == "uniform" else config.noise_type
    label_file = config.noise_matrix or config.labels_file
    words = [config.method, *(_word(name, config[name]) for name in differing)]
    words.append(pathlib.Path(label_file).stem if label_file is not None else f"{kind}{config.noise:g}")
    words += [_word("", config.labels_key)] if config.labels_key else []
    if config.decisions:
        # Decisions that were saved anew are of another run.
        words.append(f"decisions{(file_sha256(config.decisions) or '')[:8]}")
    if config.imbalance > 1:
        words.append(f"imbalance{config.imbalance:g}")
    name = f"{'-'.join(words)}-seed{config.seed}"
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{zlib.crc32(name.encode()):08x}"
    return f"runs/{_directory_name(config.dataset)}/{name}"


def _word(name: str, value: Any) -> str:
    """A setting in the name of a directory: epochs20, nomixup."""
    if isinstance(value, bool):
        return name if value else f"no{name}"
    return name + re.sub(r"[^\w.+,-]", "", f"{value:g}" if isinstance(value, float) else name_of(name, value))


def _directory_name(dataset: str) -> str:
    """folder:/a/flowers -> folder-flowers."""
    kind, colon, place = dataset.partition(":")
    return f"{kind}-{pathlib.Path(place).resolve().stem}" if colon else kind
