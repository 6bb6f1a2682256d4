"""CRUST: trains on the examples whose gradients stand for those of their class; the model is `models.crust`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ieg_fsr.figures import Figure
from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import ANY, above_zero_to_one, at_least, between
from ieg_fsr.setting import Setting

if TYPE_CHECKING:
    from ieg_fsr.methods.models.supervised import Supervised

CRUST_SHARE = Setting(
    "crust_share", 0.5, above_zero_to_one(), "share of each given class that an epoch visits", argument="share"
)
CRUST_RADIUS = Setting(
    "crust_radius", 0.5, at_least(0), "r: an example weighs as many of its class as have gradients within r, in units "
    "of the final layer's mean column norm; 0: as many as have it as their nearest chosen one", argument="radius",
)  # fmt: skip
CRUST_WARMUP_SHARE = Setting(
    "crust_warmup_share", 5 / 120, between(0, 1), "share of the epochs of plain training before the first choice",
    argument="warmup_share",
)  # fmt: skip
CRUST_MIX = Setting(
    "crust_mix", True, ANY, "mix each image with one of all examples of its given class, label unchanged",
    argument="mix_classes",
)  # fmt: skip
FIGURES = (
    Figure(
        "coreset_right", format=".1%", tag="coreset/right", words="weight of {right} labels in the coreset (share)",
        needs_truth=True,
    ),
)  # fmt: skip


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.crust import Crust

    config = context.config
    return Crust(
        context.network(config.seed),
        share=config.crust_share,
        radius=config.crust_radius,
        warmup_share=config.crust_warmup_share,
        mix_classes=config.crust_mix,
        **context.shared,
    )


SPECS = (
    MethodSpec(
        name="crust",
        label="CRUST",
        summary="training on coresets of the gradients of each class",
        paper=Paper(
            "Coresets for Robust Training of Neural Networks against Noisy Labels",
            "Mirzasoleiman et al.",
            2020,
            "https://arxiv.org/abs/2011.07451",
        ),
        settings=(CRUST_SHARE, CRUST_RADIUS, CRUST_WARMUP_SHARE, CRUST_MIX),
        # It has a mix of its own, within classes.
        mixes=False,
        skips=(),
        build=_build,
        figures=FIGURES,
        api=("ieg_fsr.methods.models.crust:Crust",),
    ),
)
