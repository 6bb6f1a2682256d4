"""The command line's flags, their rules, and the resolved settings of a run. The only reader of absl's FLAGS.

`Config` is the one list of settings: each field carries its help and its rule, and becomes a flag of the same name.
Nothing here imports TensorFlow: a mistyped flag is answered at once.
"""

import dataclasses
import itertools
import pathlib
import re
import shlex
import types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, get_args, get_type_hints

from absl import flags

from ieg_fsr.data.datasets import CHOICES, image_side, is_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.networks import NETWORKS
from ieg_fsr.recipes import recipe


class Rule(NamedTuple):
    """What a value must satisfy, and how to say so after "must be"."""

    allows: Callable[[Any], bool]
    text: str


def one_of(*names: str) -> Rule:
    """One of the given names."""
    return Rule(lambda value: value in names, f"one of {', '.join(names)}")


def at_least(bound: float) -> Rule:
    """A number that is not below `bound`."""
    return Rule(lambda value: bound <= value < float("inf"), f"at least {bound:g}")


def above(bound: float) -> Rule:
    """A number greater than `bound`."""
    return Rule(lambda value: bound < value < float("inf"), f"greater than {bound:g}")


def between(low: float, high: float) -> Rule:
    """A number in [low, high]."""
    return Rule(lambda value: low <= value <= high, f"in [{low:g}, {high:g}]")


def below_one() -> Rule:
    """A number in [0, 1)."""
    return Rule(lambda value: 0 <= value < 1, "in [0, 1)")


def rising_epochs() -> Rule:
    """Epochs after the first, each later than the one before."""
    return Rule(
        lambda value: all(a < b for a, b in itertools.pairwise((0, *value))),
        "whole numbers from 1 up, rising, with commas between",
    )


ANY = Rule(lambda value: True, "a text")


def setting(default: Any, rule: Rule, text: str) -> Any:
    """A field of `Config`: default where neither flag nor recipe says otherwise, rule, help."""
    return dataclasses.field(default=default, metadata={"rule": rule, "help": text})


@dataclasses.dataclass(frozen=True)
class Config:
    """All settings of a run, resolved: flag if given, else recipe of the data set, else the default here."""

    mode: str = setting("train", one_of("train", "evaluate"), "what to do")
    dataset: str = setting("digits", Rule(is_dataset, f"one of {CHOICES}"), "data set; digits needs no download")
    data_dir: str | None = setting(None, ANY, "where the data set's files are, or are to be put")
    model_dir: str | None = setting(None, ANY, "directory of the run; runs/DATASET/METHOD-noiseN-seedS if not given")
    model: str | None = setting(None, ANY, "saved classifier to evaluate: .keras, .h5 or a SavedModel directory")
    resume: bool = setting(True, ANY, "continue the run in model_dir if there is one; --noresume replaces it")

    noise: float = setting(0.0, between(0, 1), "share of the labels drawn anew")
    noise_type: str = setting("uniform", one_of("uniform"), "uniform: from all classes, the true one too")
    image_size: int | None = setting(None, at_least(8), "side to which images in files are cropped and resized")
    strict_data: bool = setting(False, ANY, "refuse data with an image that cannot be decoded; else it is left out")
    train_examples: int | None = setting(None, at_least(1), "size of a seeded random subset of the training set")
    seed: int = setting(
        0,
        Rule(lambda value: 0 <= value < 2**31, "in 0..2147483647"),
        "of label noise, initial parameters, shuffles and draws",
    )

    method: str = setting("fsr", one_of("fsr", "supervised"), "training method")
    network: str = setting("small_cnn", one_of(*NETWORKS), "architecture")
    epochs: int = setting(100, at_least(1), "passes over the data")
    batch_size: int = setting(100, at_least(1), "samples in a step")
    learning_rate: float = setting(0.1, above(0), "(first) peak of the schedule")
    schedule: str = setting("cosine", one_of("cosine", "cosine_restarts", "steps"), "learning rate over epochs")
    drop_epochs: tuple[int, ...] = setting((), rising_epochs(), "steps: epochs that begin at a hundredth of the rate")
    learning_rate_warmup_epochs: int = setting(0, at_least(0), "epochs of linear rise before the schedule")
    momentum: float = setting(0.9, below_one(), "of SGD, and of the lookahead")
    weight_decay: float = setting(5e-4, at_least(0), "factor of half the squared norm of all trainable variables")
    label_smoothing: float = setting(0.0, below_one(), "share of a target spread over all classes")
    mixup: bool = setting(True, ANY, "mix pairs of samples")
    mixup_alpha: float = setting(1.0, above(0), "Beta parameter of MixUp")
    padding: int = setting(0, at_least(0), "pixels padded on each side before a random crop")
    flip: bool = setting(False, ANY, "mirror half of the images left to right")
    ema_decay: float = setting(0.999, below_one(), "of the parameter average reported beside the raw parameters")

    dictionary_size: int = setting(200, at_least(1), "|R|, examples in the reward dictionary")
    reward_batch_size: int = setting(100, at_least(1), "q, reward samples in a step, spread evenly over the classes")
    reward_features: str = setting("forward", one_of("forward", "history"), "where the reward features come from")
    reward_interval: int = setting(4, at_least(1), "steps between two forwards of a reward batch")
    pusher: str = setting("lookahead", one_of("lookahead", "shared", "release", "paper"), "what scores a sample")
    score_momentum: float = setting(0.9, below_one(), "lambda")
    lookahead_learning_rate: float = setting(0.1, above(0), "eta")
    weight_constraint: str = setting("clip", one_of("clip", "shift"), "clip for wrong labels, shift for rare classes")
    reweight_warmup_epochs: int = setting(20, at_least(0), "E, epochs of uniform weights before re-weighting")
    label_momentum: float = setting(0.1, between(0, 1), "beta, of the pseudo labels")
    pseudo_label_loss_weight: float = setting(2.0, at_least(0), "p")
    faithful: bool = setting(False, ANY, "as the authors' released code: --pusher=release --reward_interval=1")

    eval_interval: int = setting(1, at_least(1), "epochs between two evaluations")
    ema_eval_interval: int = setting(1, at_least(1), "epochs between two evaluations of the parameter average")
    jit_compile: str = setting("auto", one_of("auto", "true", "false"), "XLA; auto: on accelerators only")


_TYPES = get_type_hints(Config)
_FIELDS = {field.name: field for field in dataclasses.fields(Config)}
_NOUNS = {int: "a whole number", float: "a number", bool: "true or false"}


class _Parser(flags.ArgumentParser):
    """Turns a flag's text into the type of its field, with this project's wording of errors."""

    def __init__(self, name: str) -> None:
        self.name, self.type = name, _value_type(name)

    def parse(self, argument: Any) -> Any:
        try:
            return _convert(self.type, argument)
        except ValueError:
            raise ValueError(_violation(self.name, argument)) from None

    def flag_type(self) -> str:
        return getattr(self.type, "__name__", str(self.type))


def define_flags() -> None:
    """Defines one flag per field of `Config`; None stands for "not given"."""
    for name, field in _FIELDS.items():
        rule = field.metadata["rule"]
        text = field.metadata["help"] + ("" if rule is ANY else f" ({rule.text})")
        if _value_type(name) is bool:
            flags.DEFINE_boolean(name, None, text, module_name=__name__)
        else:
            flags.DEFINE(_Parser(name), name, None, text, module_name=__name__)


def parse_flags(argv: Sequence[str]) -> list[str]:
    """Parses a command line; returns what is left of it.

    Raises:
        UserError: an unknown flag, or a value of the wrong type.
    """
    try:
        rest = flags.FLAGS(list(argv))
    except flags.Error as error:
        message = " ".join(str(error).split())
        if switch := re.match(r"flag --(\w+)=(.*): .*Non-boolean argument", message):
            raise UserError(_violation(switch.group(1), switch.group(2))) from None
        own_wording = re.search(r"(--\w+ must be .*)", message)
        raise UserError(own_wording.group(1) if own_wording else message) from None
    if len(rest) > 1:
        raise UserError(f"arguments must be flags such as --noise=0.4. Received: {rest[1]}")
    return rest


def config_from_flags() -> Config:
    """The resolved settings of the parsed command line."""
    values = {name: flags.FLAGS[name].value for name in _FIELDS}
    return resolve({name: value for name, value in values.items() if value is not None})


def resolve(given: dict[str, Any]) -> Config:
    """Resolves settings: given value, else recipe, else default.

    Args:
        given: values by field name.

    Raises:
        UserError: a value breaks its rule, or a flag that the mode needs is missing.
    """
    for name, value in given.items():
        _validate(name, value)
    dataset, method = given.get("dataset", "digits"), given.get("method", "fsr")
    side = given.get("image_size") or image_side(dataset, given.get("data_dir"))
    values = recipe(dataset, method, given.get("faithful", False), side) | given
    config = Config(**values)
    if config.mode == "evaluate" and config.model is None:
        raise UserError("--model must be given with --mode=evaluate: a saved classifier. Received: nothing")
    if config.schedule == "steps" and not config.drop_epochs:
        raise UserError("--drop_epochs must be given with --schedule=steps, such as 160,180. Received: nothing")
    if config.mode == "train" and config.model_dir is None:
        run = f"runs/{_directory_name(config.dataset)}/{config.method}-noise{config.noise:g}-seed{config.seed}"
        config = dataclasses.replace(config, model_dir=run)
    return config


def command_line(config: Config) -> str:
    """The flags of the settings that differ from what the recipe gives."""
    identity = {name: getattr(config, name) for name in ("dataset", "data_dir", "method", "faithful")}
    words = ["--faithful"] if config.faithful else []
    words += [] if config.data_dir is None else [_word("data_dir", config.data_dir)]
    if config.image_size not in (None, resolve(identity).image_size):
        identity["image_size"] = config.image_size
        words.append(_word("image_size", config.image_size))
    base = resolve(identity)
    named = {"dataset", "method", "model_dir"}
    for name in _FIELDS:
        value = getattr(config, name)
        if name not in named and value != getattr(base, name):
            words.append(_word(name, value))
    return " ".join([_word("dataset", config.dataset), f"--method={config.method}", *words])


def _directory_name(dataset: str) -> str:
    """folder:/a/flowers -> folder-flowers."""
    kind, colon, place = dataset.partition(":")
    return f"{kind}-{pathlib.Path(place).resolve().stem}" if colon else kind


def _word(name: str, value: Any) -> str:
    """A flag as a shell takes it."""
    if isinstance(value, bool):
        return f"--{'' if value else 'no'}{name}"
    return f"--{name}={shlex.quote(_text(value))}"


def _text(value: Any) -> str:
    """A value as it is given to its flag."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _validate(name: str, value: Any) -> None:
    if name not in _FIELDS:
        raise UserError(f"settings must be fields of Config. Received: {name}")
    allowed = value is None or _FIELDS[name].metadata["rule"].allows(value)
    if not allowed:
        raise UserError(_violation(name, value))


def _violation(name: str, value: Any) -> str:
    rule: Rule = _FIELDS[name].metadata["rule"]
    noun = _NOUNS.get(_value_type(name))
    text = f"{noun} {rule.text}" if noun and rule is not ANY else noun or rule.text
    value = _text(value)
    return f"--{name} must be {text}. Received: {value}"


def _value_type(name: str) -> Any:
    """The type of a field, `None` of an optional one left aside."""
    hint = _TYPES[name]
    if isinstance(hint, types.UnionType):
        return next(member for member in get_args(hint) if member is not type(None))
    return hint


def _convert(kind: Any, argument: Any) -> Any:
    if not isinstance(argument, str):
        return argument
    if kind in (int, float, str):
        return kind(argument)
    return tuple(int(part) for part in argument.split(",") if part)
