"""INCV: labels that networks trained on others agree with, then Co-teaching on them; the model is `models.incv`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ieg_fsr.figures import Figure
from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import ANY, at_least, between
from ieg_fsr.setting import Config, Setting

if TYPE_CHECKING:
    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

INCV_ITERATIONS = Setting(
    "incv_iterations", 4, at_least(1), "in each, two networks are trained to judge each other's half of the candidates",
    argument="iterations",
)  # fmt: skip
INCV_SELECTION_SHARE = Setting(
    "incv_selection_share", 400 / 600, between(0, 1), "share of the epochs that these trainings have, in equal parts; "
    "Co-teaching has the rest", argument="selection_share",
)  # fmt: skip
INCV_MOST_REMOVED = Setting(
    "incv_most_removed",
    2.0,
    at_least(0),
    "most labels removed for one selected; 0 removes none",
    argument="most_removed",
)
INCV_PAIRS = Setting(
    "incv_pairs", False, ANY, "the wrong labels of a class are all of one other class; then none is removed. On with "
    "--noise_type=asymmetric and pairflip", argument="pairs",
)  # fmt: skip
FIGURES = (
    Figure(
        "selected", format=".1%", tag="selection/selected", words="training labels selected (share)",
        told=("selected", "{selected:.4f} of the training labels, at an estimated {selection_noise_rate:.4f} wrong"),
    ),
    Figure(
        "selected_right", format=".1%", tag="selection/right", words="{right} labels among the selected (share)",
        needs_truth=True,
    ),
    Figure(
        "selection_noise_rate", format=".1%", words="wrong labels that the first selection has estimated (share)",
    ),
)  # fmt: skip
# What says how the learning rate of a run goes, which the stages say here.
_NOT_LOOKED_AT = ("schedule", "drop_epochs", "learning_rate_warmup_epochs")


def epochs_of_a_training(epochs: int, iterations: int, selection_share: float) -> int:
    """How many of all epochs each of the 2 x `iterations` trainings has that select: at least one, if there are enough.

    Co-teaching has what is left, at least one epoch.
    """
    trainings = 2 * iterations
    if not selection_share:
        return 0
    return min(max(round(selection_share * epochs / trainings), 1), max(epochs - 1, 0) // trainings)


def _imply(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"incv_pairs": True} if given.get("noise_type") in ("asymmetric", "pairflip") else {}


def _notes(config: Config, data: DataSet) -> list[str]:
    trainings = 2 * config.incv_iterations
    each = epochs_of_a_training(config.epochs, config.incv_iterations, config.incv_selection_share)
    lines = [
        f"selection: {trainings} trainings, epochs of each: {each}; Co-teaching: {config.epochs - trainings * each}"
    ]
    if not each:
        lines = [
            f"no label is selected, which takes --epochs={trainings + 1} at least: two networks train on all labels"
        ]
    if given := [f"--{name}" for name in _NOT_LOOKED_AT if name in config.given]:
        lines.append(f"{', '.join(given)}: not looked at, each training has its own schedule from --learning_rate")
    return lines


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.incv import INCV

    config = context.config
    return INCV(
        context.network(config.seed),
        context.network(context.second_seed),
        len(context.given_labels),
        iterations=config.incv_iterations,
        selection_share=config.incv_selection_share,
        most_removed=config.incv_most_removed,
        pairs=config.incv_pairs,
        learning_rate=config.learning_rate,
        **context.shared,
    )


SPECS = (
    MethodSpec(
        name="incv",
        label="INCV",
        summary="cross-validated labels, then Co-teaching on them",
        paper=Paper(
            "Understanding and Utilizing Deep Neural Networks Trained with Noisy Labels",
            "Chen et al.",
            2019,
            "https://arxiv.org/abs/1905.05040",
        ),
        settings=(INCV_ITERATIONS, INCV_SELECTION_SHARE, INCV_MOST_REMOVED, INCV_PAIRS),
        # Whether a sample is trusted has no meaning for two samples mixed.
        mixes=False,
        needs=frozenset({"second_network"}),
        imply=_imply,
        notes=_notes,
        skips=(),
        build=_build,
        figures=FIGURES,
        api=("ieg_fsr.methods.models.incv:INCV",),
    ),
)
