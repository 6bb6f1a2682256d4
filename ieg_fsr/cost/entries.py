"""What is to be measured: methods with their resolved settings. No TensorFlow: what does not fit is said at once."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.configuration.settings import Config
from ieg_fsr.errors import UserError
from ieg_fsr.methods import METHODS

# Rows that are no method of the command line by themselves, and the settings that they stand for. "keras" is a plain
# keras.Model of the same network with the same optimizer.
KERAS = "keras"
VARIANTS: dict[str, dict[str, Any]] = {
    KERAS: {"method": "supervised"},
    "fsr_faithful": {"method": "fsr", "faithful": True},
    "mwn_dense": {"method": "mwn", "meta_layers": "dense"},
}
ROWS = (KERAS, *METHODS, *(name for name in VARIANTS if name != KERAS))
REFERENCE = "supervised"

# Settings that may have several values, and the type of these. Others than those that a row depends on stay at their
# first value.
SWEEPS: dict[str, type] = {
    "train_examples": int,
    "dictionary_size": int,
    "reward_batch_size": int,
    "pusher": str,
    "reward_features": str,
    "reward_interval": int,
}
_DEFAULT_EXAMPLES = 10_000
# ResNet-50 takes no CIFAR-sized images; 64 pixels are what a CPU can do in reasonable time.
_DEFAULT_IMAGE_SIZE, _IMAGE_SIZE_OF = 32, {"resnet50": 64}
# The figures are those of the phase in which a method does what it is named after, not of its warm-up. The recipe is
# the paper's for CIFAR with label noise: batches of 100, 2000 examples in the dictionary, 200 in a reward batch.
_FIXED = {"dataset": "cifar10", "model_dir": "none"}
_DEFAULTS = {"reweight_warmup_epochs": 0}


class Entry(NamedTuple):
    """One row of the benchmark.

    Attributes:
        name: one of `ROWS`.
        config: its settings; `train_examples` and `image_size` are numbers.
    """

    name: str
    config: Config

    @property
    def period(self) -> int:
        """Steps after which the kinds of steps repeat."""
        forwards = self.config.reweights and self.config.reward_features == "forward"
        return self.config.reward_interval if forwards else 1


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
    found: dict[tuple, Entry] = {}
    for name in names:
        for values in itertools.product(*sweeps.values()):
            entry = _entry(network, name, dict(given), dict(zip(sweeps, values, strict=True)))
            found.setdefault(_identity(entry), entry)
    return list(found.values())


def _entry(network: str, name: str, given: dict[str, Any], swept: dict[str, Any]) -> Entry:
    if name not in ROWS:
        raise UserError(f"--methods must be some of {', '.join(ROWS)}. Received: {name}")
    defaults = _DEFAULTS | {
        "train_examples": _DEFAULT_EXAMPLES,
        "image_size": _IMAGE_SIZE_OF.get(network, _DEFAULT_IMAGE_SIZE),
    }
    own = VARIANTS.get(name, {"method": name})
    config = resolve(defaults | given | swept | _FIXED | own | {"network": network})
    if config.strategy != "none":
        raise UserError(f"--strategy must be none: the benchmark measures one replica. Received: {config.strategy}")
    for setting in ("batch_size", "dictionary_size"):
        value, examples = getattr(config, setting), config.train_examples or 0
        if value > examples:
            raise UserError(f"--{setting} must be at most --train_examples, {examples}. Received: {value}")
    return Entry(name, config)


def _identity(entry: Entry) -> tuple:
    """What sets one measured row apart from another: a method's name and the swept settings that it depends on."""
    config = entry.config
    if not config.reweights:
        return (entry.name,)
    features = (config.train_examples, config.reward_batch_size, config.reward_features, entry.period)
    return (entry.name, *features, *((config.dictionary_size, config.pusher) if config.has_dictionary else ()))
