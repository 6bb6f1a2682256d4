"""Remix: MixUp whose label is the rarer one's alone; the model is `models.remix`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ieg_fsr.errors import UserError
from ieg_fsr.methods.spec import BASELINE, BuildContext, MethodSpec, Paper
from ieg_fsr.rules import at_least, between
from ieg_fsr.setting import Config, Setting
from ieg_fsr.unlabelled import class_counts

if TYPE_CHECKING:
    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

REMIX_KAPPA = Setting(
    "remix_kappa", 3.0, at_least(1), "kappa, how many times as frequent the other class must be", argument="kappa"
)
# Beyond one half the paper's rule would also give samples of frequent classes a rarer partner's label.
REMIX_TAU = Setting(
    "remix_tau", 0.5, between(0, 0.5), "tau, share below which the other image must stay", argument="tau"
)


def _check(config: Config, data: DataSet | None) -> None:
    if not config.mixup:
        raise UserError("--mixup must be true with --method=remix. Received: false")


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.remix import Remix

    config = context.config
    counts = class_counts(context.given_labels, context.data.num_classes)
    return Remix(context.network(config.seed), counts, kappa=config.remix_kappa, tau=config.remix_tau, **context.shared)


SPECS = (
    MethodSpec(
        name="remix",
        label="Remix",
        summary="MixUp whose label is that of the rarer class, then deferred re-weighting",
        paper=Paper("Remix: Rebalanced Mixup", "Chou et al.", 2020, "https://arxiv.org/abs/2007.03943"),
        settings=(REMIX_KAPPA, REMIX_TAU),
        # Classes are weighed from the first drop of a long tail's rate on: after four fifths of the epochs.
        recipe={**BASELINE, "mixup": True, "deferred_reweighting": 80},
        dataset_recipes={
            "fashion_mnist": {"deferred_reweighting": 48},
            "cifar10": {"deferred_reweighting": 160},
            "cifar100": {"deferred_reweighting": 160},
            "webvision_mini": {"deferred_reweighting": 104},
            "inaturalist2018": {"deferred_reweighting": 72},
        },
        check=_check,
        build=_build,
        api=("ieg_fsr.methods.models.remix:Remix",),
    ),
)
