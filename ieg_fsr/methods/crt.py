"""Classifier re-training: supervised training, then the final layer anew; it is `models.retrained_head`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ieg_fsr.errors import UserError
from ieg_fsr.methods.spec import BASELINE, BuildContext, MethodSpec, Paper
from ieg_fsr.setting import Config

if TYPE_CHECKING:
    from ieg_fsr.data.sources.image_source import DataSet


def _check(config: Config, data: DataSet | None) -> None:
    if config.head != "crt":
        raise UserError(f"--head must be crt with --method=crt. Received: {config.head}")


SPECS = (
    MethodSpec(
        name="crt",
        label="cRT",
        summary="cross-entropy, then the final layer anew on batches of balanced classes",
        paper=Paper(
            "Decoupling Representation and Classifier for Long-Tailed Recognition",
            "Kang et al.",
            2020,
            "https://arxiv.org/abs/1910.09217",
        ),
        recipe={**BASELINE, "head": "crt"},
        check=_check,
        build=BuildContext.supervised,
    ),
)
