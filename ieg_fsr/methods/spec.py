"""What a method is to everything that is not the method: `MethodSpec`, one for each. No TensorFlow.

Command line, help, tables, benchmark, documentation and the conformance test are read from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ieg_fsr.figures import Figure
from ieg_fsr.setting import Config, Setting

if TYPE_CHECKING:
    import keras
    import numpy as np

    from ieg_fsr.data.pipeline.examples import Examples
    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

# MixUp and smoothed labels belong to FSR's experiments; a baseline is plain unless told otherwise.
BASELINE: Mapping[str, Any] = {"mixup": False, "label_smoothing": 0.0}
# What a method may need beyond a network and given labels.
NEEDS = ("clean_images", "second_network", "transition_matrix")


@dataclasses.dataclass(frozen=True)
class Paper:
    """Where a method was described. Attributes: title, authors, year, link."""

    title: str
    authors: str
    year: int
    link: str


@dataclasses.dataclass(frozen=True)
class BuildContext:
    """What a method is built of.

    Attributes:
        config: resolved settings.
        data: the data set as training uses it; `data.holdout` is the hold-out.
        given_labels: [N], in [0, C); -1 of an unlabelled example, which is not trained on (`unlabelled.class_counts`).
        network: from a seed to a classifier with parameters drawn by it.
        second_seed: of a second network.
        shared: arguments that every `Supervised` takes.
        clean_examples: the hold-out with its true labels, if there is one.
        trusted_ids: of the examples whose labels a person decided, if any were.
    """

    config: Config
    data: DataSet
    given_labels: np.ndarray
    network: Callable[[int], keras.Model]
    second_seed: int
    shared: Mapping[str, Any]
    clean_examples: Examples | None = None
    trusted_ids: np.ndarray | None = None

    def supervised(
        self, loss: Callable[..., Any] | None = None, classifier: keras.Model | None = None, **arguments: Any
    ) -> Supervised:
        """Supervised training that differs in its loss only.

        Args:
            loss: of targets and logits, [B, C] each -> [B].
            classifier: where it is not `network(seed)` as it is.
            **arguments: more of `Supervised`.
        """
        from ieg_fsr.methods.models.supervised import Supervised

        if loss is not None:
            arguments["sample_loss"] = of_batch(loss)
        return Supervised(classifier or self.network(self.config.seed), **arguments, **self.shared)


def of_batch(loss: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """A loss as `Supervised` takes it. Args: loss: of targets and logits, [B, C] each -> [B]."""
    return lambda batch, logits: loss(batch.targets, logits)


def _no_check(config: Config, data: DataSet | None) -> None:
    """Nothing to check."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class MethodSpec:
    """A method.

    Attributes:
        name: value of --method.
        label: name in tables.
        summary: what it is, in half a line.
        paper: where it was described; None for plain training.
        build: makes the model, not compiled.
        settings: its own, which other methods refuse.
        recipe: settings that it changes in every recipe.
        dataset_recipes: by data set, settings for which its paper has others than the defaults.
        adapt: from a run's corruption and own settings, and the recipe for them, to what it changes in that.
        presets: by a switch of its own, the settings that the switch stands for.
        mixes: whether MixUp makes sense with it.
        skips: which rules of --skip go with its steps.
        needs: some of `NEEDS`.
        api: the functions and classes beside `Supervised` whose arguments its settings are; what loads TensorFlow by
            its module and name, "ieg_fsr.methods.models.fsr:FSR".
        probabilities: what turns its logits into probabilities, "softmax" or "sigmoid".
        check: raises UserError for settings that do not fit together, or, called again with it, the data.
        imply: from given settings to settings that follow from these.
        resolved: from settings and data to what config.json says that they came to.
        notes: from settings and data to lines that a user should read before training.
        conclusion: from a run's summary to lines that a user should read after training.
        clean_per_class: from settings to the images of each class that are held out with true labels.
        idle: from settings to those of its own that have no effect beside the others.
        figures: those that it adds to the ones of every run, as its model declares them.
        variants: by name, settings that the benchmark takes for a method of its own.
        period: from settings to the number of steps after which the kinds of steps repeat.
    """

    name: str
    label: str
    summary: str
    build: Callable[[BuildContext], Supervised]
    paper: Paper | None = None
    settings: Sequence[Setting] = ()
    recipe: Mapping[str, Any] = dataclasses.field(default_factory=lambda: BASELINE)
    dataset_recipes: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    adapt: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]] = lambda values, recipe: {}
    presets: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    mixes: bool = True
    skips: Sequence[str] = ("loss",)
    needs: frozenset[str] = frozenset()
    api: Sequence[str | Callable[..., Any]] = ()
    probabilities: str = "softmax"
    check: Callable[[Config, DataSet | None], None] = _no_check
    imply: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda given: {}
    resolved: Callable[[Config, DataSet], dict[str, Any]] = lambda config, data: {}
    notes: Callable[[Config, DataSet], list[str]] = lambda config, data: []
    conclusion: Callable[[Mapping[str, Any]], list[str]] = lambda summary: []
    clean_per_class: Callable[[Mapping[str, Any]], int] = lambda values: 0
    idle: Callable[[Mapping[str, Any]], frozenset[str]] = lambda values: frozenset()
    figures: Sequence[Figure] = ()
    variants: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    period: Callable[[Config], int] = lambda config: 1

    @property
    def described(self) -> str:
        """The summary, and who described it when."""
        return f"{self.summary} ({self.paper.authors} {self.paper.year})" if self.paper else self.summary

    def has(self, name: str, values: Mapping[str, Any]) -> bool:
        """Whether a setting is one of its own and has an effect. Args: values: of the settings of a run."""
        return any(setting.name == name for setting in self.settings) and name not in self.idle(values)
