"""MentorNet: a curriculum that weighs the samples of a batch by their losses; the model is `models.mentornet`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import above, below_one, between
from ieg_fsr.setting import Setting

if TYPE_CHECKING:
    from ieg_fsr.methods.models.supervised import Supervised

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


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.mentornet import MentorNet

    config = context.config
    return MentorNet(
        context.network(config.seed),
        percentile=config.mentor_percentile,
        burn_in=config.mentor_burn_in,
        gamma=config.mentor_gamma,
        first_dropout=config.mentor_first_dropout,
        dropout=config.mentor_dropout,
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
        settings=(MENTOR_PERCENTILE, MENTOR_BURN_IN, MENTOR_GAMMA, MENTOR_FIRST_DROPOUT, MENTOR_DROPOUT),
        # The loss of two samples mixed says of neither whether its label is right.
        mixes=False,
        build=_build,
        api=("ieg_fsr.methods.models.mentornet:MentorNet",),
    ),
)
