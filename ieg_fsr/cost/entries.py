"""What is to be measured: methods with their resolved settings. No TensorFlow: what does not fit is said at once."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.configuration.settings import SETTINGS, refuse_others, settings_for
from ieg_fsr.errors import UserError
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.setting import Config

# A row that is no method: a plain keras.Model of the same network with the same optimizer.
KERAS = "keras"
VARIANTS: dict[str, dict[str, Any]] = {KERAS: {"method": "supervised"}} | {
    name: {"method": spec.name, **settings} for spec in METHODS.values() for name, settings in spec.variants.items()
}
ROWS = (KERAS, *METHODS, *(name for name in VARIANTS if name != KERAS))
REFERENCE = "supervised"

# Settings that may have several values. Others than those that a row depends on stay at their first value.
SWEEPS = ("train_examples", "dictionary_size", "reward_batch_size", "pusher", "reward_features", "reward_interval")
# The figures are those of the phase in which a method does what it is named after, not of its warm-up. The recipe is
# the paper's for CIFAR with label noise: batches of 100, 2000 examples in the dictionary, 200 in a reward batch.
_FIXED = {"dataset": "cifar10", "model_dir": "none"}
_DEFAULTS = {"reweight_warmup_epochs": 0, "train_examples": 10_000}


class Entry(NamedTuple):
    """One row of the benchmark."""

    name: str  # one of `ROWS`
    config: Config  # its settings; `train_examples` and `image_size` are numbers

    @property
    def period(self) -> int:
        """Steps after which the kinds of steps repeat."""
        return METHODS[self.config.method].period(self.config)

    def value(self, name: str) -> Any:
        """A setting of its method; None where the method does not have it, or does not look at it."""
        return self.config[name] if METHODS[self.config.method].has(name, self.config) else None


def entries_of(
    network: str, names: Sequence[str], given: Mapping[str, Any], sweeps: Mapping[str, Sequence[Any]]
) -> list[Entry]:
    """The rows of one network.

    Args:
        network: its name.
        names: of the rows.
        given: settings for all of them.
        sweeps: values of some of `SWEEPS`; every combination that a row depends on is measured.

    Raises:
        UserError: a setting or a name is not allowed, or settings do not fit together.
    """
    _check(names, ROWS, {**given, **sweeps})
    found: dict[tuple, Entry] = {}
    for name in names:
        for values in itertools.product(*sweeps.values()):
            entry = _entry(network, name, dict(given), dict(zip(sweeps, values, strict=True)))
            found.setdefault(_identity(entry), entry)
    return list(found.values())


def run_entries(
    network: str | None, names: Sequence[str], given: Mapping[str, Any], sweeps: Mapping[str, Sequence[Any]]
) -> list[Entry]:
    """Whole training runs, with the recipe of their data set. Args, errors: as of `entries_of`; None: its network."""
    _check(names, [row for row in ROWS if row != KERAS], {**given, **sweeps})
    found = []
    for name in names:
        own = VARIANTS.get(name, {"method": name})
        known = settings_for(own["method"])
        swept = [setting for setting in sweeps if setting in known]
        for values in itertools.product(*(sweeps[setting] for setting in swept)):
            wanted = {key: value for key, value in given.items() if key in known or key not in SETTINGS}
            wanted |= dict(zip(swept, values, strict=True)) | own | ({"network": network} if network else {})
            found.append(Entry(name, resolve({"dataset": "digits"} | wanted | {"model_dir": "none"})))
    return found


def _check(names: Sequence[str], allowed: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Refuses names that are not allowed, and a setting that none of the methods has."""
    for name in names:
        if name not in allowed:
            raise UserError(f"--methods must be some of {', '.join(allowed)}. Received: {name}")
    methods = [VARIANTS.get(name, {"method": name})["method"] for name in names]
    known = {setting for method in methods for setting in settings_for(method)}
    for setting, value in settings.items():
        if setting in SETTINGS and setting not in known:
            refuse_others(methods[0], {setting: value})


def _entry(network: str, name: str, given: dict[str, Any], swept: dict[str, Any]) -> Entry:
    # ResNet-50 takes no CIFAR-sized images; 64 pixels are what a CPU can do in reasonable time.
    defaults = _DEFAULTS | {"image_size": 64 if network == "resnet50" else 32}
    own = VARIANTS.get(name, {"method": name})
    known = settings_for(own["method"])
    wanted = {key: value for key, value in (defaults | given | swept).items() if key in known}
    config = resolve(wanted | _FIXED | own | {"network": network})
    if config.strategy != "none":
        raise UserError(f"--strategy must be none: the benchmark measures one replica. Received: {config.strategy}")
    entry = Entry(name, config)
    for setting, value in (("batch_size", config.batch_size), ("dictionary_size", entry.value("dictionary_size"))):
        if (value or 0) > (config.train_examples or 0):
            raise UserError(f"--{setting} must be at most --train_examples, {config.train_examples}. Received: {value}")
    return entry


def _identity(entry: Entry) -> tuple:
    """What sets one measured row apart from another: a method's name and the swept settings that it depends on."""
    own = tuple(entry.value(name) for name in SWEEPS if name not in ("train_examples", "reward_interval"))
    examples = entry.config.train_examples if any(value is not None for value in own) else None
    return (entry.name, examples, entry.period, *own)
