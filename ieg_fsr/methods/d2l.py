"""D2L: trusts labels less once the dimension of the features rises; the model is `models.d2l`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ieg_fsr.errors import UserError
from ieg_fsr.figures import Figure
from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import Rule, between
from ieg_fsr.setting import Config, Setting

if TYPE_CHECKING:
    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

# Examples that are looked at before an epoch, and those among which the neighbours of one are sought.
MOST_EXAMPLES, BATCH = 1280, 128

D2L_WINDOW = Setting(
    "d2l_window", 5, Rule(lambda value: 2 <= value <= 1000, "in 2..1000"),
    "w, epochs whose mean and deviation the dimension has to exceed", argument="window",
)  # fmt: skip
D2L_START_SHARE = Setting(
    "d2l_start_share", 1 / 3, between(0, 1), "share of the epochs before the first of those w", argument="start_share"
)
D2L_NEIGHBOURS = Setting(
    "d2l_neighbours", 20, Rule(lambda value: 2 <= value < BATCH, f"in 2..{BATCH - 1}"),
    "k, nearest neighbours of which the dimension at an example is estimated", argument="neighbours",
)  # fmt: skip
FIGURES = (
    Figure("lid", tag="d2l/lid", short="LID", words="local intrinsic dimension of the features"),
    Figure("label_share", tag="d2l/label_share", words="share of the given label in the targets"),
    Figure("turning_epoch", format=".0f", words="epoch before which the features' dimension rose"),
)


def _check(config: Config, data: DataSet | None) -> None:
    if data is not None and len(data.train) <= config.d2l_neighbours:
        raise UserError(
            f"--d2l_neighbours must be at most {len(data.train) - 1}, one less than the training examples. "
            f"Received: {config.d2l_neighbours}"
        )


def _conclusion(summary: Mapping[str, Any]) -> list[str]:
    if "turning_epoch" not in summary:
        return []
    turned = summary["turning_epoch"]
    text = "none was found: trained as usual"
    if turned is not None:
        text = f"before epoch {turned}: went back to the state before epoch {turned - 1}, and trusted labels less"
    return [f"{'turning point':<15} {text}"]


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.d2l import D2L

    config = context.config
    return D2L(
        context.network(config.seed),
        window=config.d2l_window,
        start_share=config.d2l_start_share,
        neighbours=config.d2l_neighbours,
        **context.shared,
    )


SPECS = (
    MethodSpec(
        name="d2l",
        label="D2L",
        summary="targets that follow the dimension of the features",
        paper=Paper(
            "Dimensionality-Driven Learning with Noisy Labels", "Ma et al.", 2018, "https://arxiv.org/abs/1806.02612"
        ),
        settings=(D2L_WINDOW, D2L_START_SHARE, D2L_NEIGHBOURS),
        # The paper's 40 of 120 epochs on CIFAR-10 are the default.
        dataset_recipes={"cifar100": {"d2l_start_share": 0.3}},
        # What the network predicts for two samples mixed is not one class.
        mixes=False,
        check=_check,
        conclusion=_conclusion,
        skips=(),
        build=_build,
        figures=FIGURES,
        api=("ieg_fsr.methods.models.d2l:D2L",),
    ),
)
