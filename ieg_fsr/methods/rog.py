"""RoG: supervised training, then a robust generative head, which any method can have; it is `models.rog`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ieg_fsr.errors import UserError
from ieg_fsr.methods.spec import BASELINE, BuildContext, MethodSpec, Paper
from ieg_fsr.setting import Config

if TYPE_CHECKING:
    from ieg_fsr.data.sources.image_source import DataSet


def _check(config: Config, data: DataSet | None) -> None:
    if config.head != "rog":
        raise UserError(f"--head must be rog with --method=rog. Received: {config.head}")


SPECS = (
    MethodSpec(
        name="rog",
        label="RoG",
        summary="cross-entropy, then robust Gaussians of the classes on features of several layers",
        paper=Paper(
            "Robust Inference via Generative Classifiers for Handling Noisy Labels",
            "Lee et al.",
            2019,
            "https://arxiv.org/abs/1901.11300",
        ),
        recipe={**BASELINE, "head": "rog"},
        check=_check,
        build=BuildContext.supervised,
    ),
)
