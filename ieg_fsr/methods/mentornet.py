"""MentorNet: a curriculum that weighs the samples of a batch by their losses; the model is `models.mentornet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ieg_fsr.data.labels.truth import truth_of
from ieg_fsr.data.sources.datasets import spec_of
from ieg_fsr.errors import UserError
from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.reweighting.settings import CLEAN_PER_CLASS
from ieg_fsr.rules import above, at_least, below_one, between, one_of
from ieg_fsr.setting import Config, Setting

if TYPE_CHECKING:
    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

MENTOR = Setting(
    "mentor", "predefined", one_of("predefined", "learned"), "learned: from --clean_per_class images with true labels"
)
MENTOR_NOISE = Setting(
    "mentor_noise", 0.2, between(0, 1), "share of the clean images' labels that is drawn anew to learn a mentor"
)
MENTOR_STEPS = Setting("mentor_steps", 30_000, at_least(1), "in which a mentor is learned")
MENTOR_PERCENTILE = Setting(
    "mentor_percentile", 75.0, between(0, 100), "p, percentile of a batch's losses whose moving average is the "
    "threshold", argument="percentile",
)  # fmt: skip
MENTOR_BURN_IN = Setting(
    "mentor_burn_in", 18.0, between(0, 100), "percent of the epochs in which every sample has weight 1",
    argument="burn_in",
)  # fmt: skip
MENTOR_GAMMA = Setting(
    "mentor_gamma", 1.0, above(0), "gamma, excess of a loss over the threshold at which the last tenth's weight is 0",
    argument="gamma",
)  # fmt: skip
MENTOR_FIRST_DROPOUT = Setting(
    "mentor_first_dropout", 0.5, below_one(), "share of a batch that is left out in the first 17 % of the epochs",
    argument="first_dropout",
)  # fmt: skip
MENTOR_DROPOUT = Setting(
    "mentor_dropout", 0.05, below_one(), "share of a batch that is left out after them", argument="dropout"
)
# What the predefined curriculum does not look at, and what a learned mentor does not.
_OF_LEARNED = frozenset({"clean_per_class", "mentor_noise", "mentor_steps"})
_OF_PREDEFINED = frozenset({"mentor_gamma"})


def _check(config: Config, data: DataSet | None) -> None:
    if config.mentor != "learned":
        return
    if truth_of(config) is None or not spec_of(config.dataset).has_true_labels:
        raise UserError(
            f"--mentor must be predefined with --dataset={config.dataset}, whose true labels are not known "
            "(those of own data count as true where --labels_file or --noise stands in for them). Received: learned"
        )
    if config.strategy != "none":
        raise UserError(f"--strategy must be none with --mentor=learned. Received: {config.strategy}")


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.mentornet import MentorNet

    config = context.config
    learned: dict[str, Any] = {}
    if config.mentor == "learned":
        learned = {
            "clean_examples": context.clean_examples,
            "student": context.network(context.second_seed),
            "mentor_noise": config.mentor_noise,
            "mentor_steps": config.mentor_steps,
        }
    return MentorNet(
        context.network(config.seed),
        percentile=config.mentor_percentile,
        burn_in=config.mentor_burn_in,
        gamma=config.mentor_gamma,
        first_dropout=config.mentor_first_dropout,
        dropout=config.mentor_dropout,
        **learned,
        **context.shared,
    )


SPECS = (
    MethodSpec(
        name="mentornet",
        label="MentorNet",
        summary="a curriculum that weighs samples by their losses",
        paper=Paper(
            "MentorNet: Learning Data-Driven Curriculum for Very Deep Neural Networks on Corrupted Labels",
            "Jiang et al.",
            2018,
            "https://arxiv.org/abs/1712.05055",
        ),
        settings=(
            *(MENTOR, MENTOR_PERCENTILE, MENTOR_BURN_IN, MENTOR_GAMMA, MENTOR_FIRST_DROPOUT, MENTOR_DROPOUT),
            *(CLEAN_PER_CLASS, MENTOR_NOISE, MENTOR_STEPS),
        ),
        # The 5,000 clean images of the paper.
        dataset_recipes={"cifar10": {"clean_per_class": 500}},
        clean_per_class=lambda values: values["clean_per_class"] if values["mentor"] == "learned" else 0,
        idle=lambda values: _OF_PREDEFINED if values["mentor"] == "learned" else _OF_LEARNED,
        # The loss of two samples mixed says of neither whether its label is right.
        mixes=False,
        check=_check,
        skips=(),
        build=_build,
        api=("ieg_fsr.methods.models.mentornet:MentorNet",),
    ),
)
