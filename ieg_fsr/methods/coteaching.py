"""Co-teaching: two networks that choose each other's samples; the model is `models.coteaching`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ieg_fsr.data.labels.noise_matrix import transition_matrix
from ieg_fsr.errors import UserError
from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import at_least, below_one
from ieg_fsr.setting import Config, Setting

if TYPE_CHECKING:
    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

COTEACHING_FORGET_RATE = Setting(
    "coteaching_forget_rate", None, below_one(), "tau, share of a batch left out; the noise rate if not given",
    kind=float, argument="forget_rate",
)  # fmt: skip
COTEACHING_WARMUP_EPOCHS = Setting(
    "coteaching_warmup_epochs", 10, at_least(0), "T_k, epochs over which that share rises from 0",
    argument="warmup_epochs",
)  # fmt: skip


def forget_rate(config: Config, data: DataSet) -> float:
    """`--coteaching_forget_rate`, else the expected share of wrong labels where the classes are even.

    Noise that depends on the image: its rate. Uniform noise: the share of labels drawn anew, though one in C of them
    comes out right. To leave out a few more does better: on digits at 0.4 .983 against .958, one seed.
    """
    if config.coteaching_forget_rate is not None:
        return config.coteaching_forget_rate
    if config.noise > 0 and config.noise_type in ("uniform", "instance"):
        return config.noise
    return float(1.0 - np.mean(np.diag(transition_matrix(config, data.num_classes))))


def _check(config: Config, data: DataSet | None) -> None:
    if config.coteaching_forget_rate is None and config.labels_file is not None:
        raise UserError(
            "--coteaching_forget_rate must be given with --labels_file: the share of wrong labels. Received: nothing"
        )


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.coteaching import CoTeaching

    config = context.config
    return CoTeaching(
        context.network(config.seed),
        context.network(context.second_seed),
        forget_rate=forget_rate(config, context.data),
        warmup_epochs=config.coteaching_warmup_epochs,
        **context.shared,
    )


SPECS = (
    MethodSpec(
        name="coteaching",
        label="Co-teaching",
        summary="two networks that choose each other's samples",
        paper=Paper(
            "Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels",
            "Han et al.",
            2018,
            "https://arxiv.org/abs/1804.06872",
        ),
        settings=(COTEACHING_FORGET_RATE, COTEACHING_WARMUP_EPOCHS),
        # Whether a sample is trusted has no meaning for two samples mixed.
        mixes=False,
        needs=frozenset({"second_network", "transition_matrix"}),
        check=_check,
        resolved=lambda config, data: {"coteaching_forget_rate_resolved": forget_rate(config, data)},
        skips=(),
        build=_build,
        api=("ieg_fsr.methods.models.coteaching:CoTeaching",),
    ),
)
