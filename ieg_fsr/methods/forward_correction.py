"""Forward correction by the noise transition matrix; the model is `models.forward_correction`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ieg_fsr.data.labels.noise_matrix import read_noise_matrix, transition_matrix
from ieg_fsr.errors import UserError
from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import ANY, at_least
from ieg_fsr.setting import Config, Setting

if TYPE_CHECKING:
    import numpy as np

    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

CORRECTION_MATRIX = Setting(
    "correction_matrix", "estimated", ANY, "P(given | true): estimated, true (that of the noise), or a file"
)
CORRECTION_WARMUP_EPOCHS = Setting(
    "correction_warmup_epochs", 10, at_least(0), "epochs of plain training before the matrix is estimated"
)


def known_matrix(config: Config, data: DataSet) -> np.ndarray | None:
    """`--correction_matrix` as P(given j | true i), [C, C], UserError if it is none; None: it is to be estimated."""
    if config.correction_matrix == "estimated":
        return None
    if config.correction_matrix == "true":
        return transition_matrix(config, data.num_classes)
    return read_noise_matrix(config.correction_matrix, data.num_classes, "--correction_matrix")


def _check(config: Config, data: DataSet | None) -> None:
    if config.correction_matrix == "true" and config.labels_file is not None:
        raise UserError("--correction_matrix must be estimated or a file with --labels_file. Received: true")
    if config.correction_matrix == "true" and config.noise_type == "instance" and config.noise > 0:
        raise UserError("--correction_matrix must be estimated or a file with --noise_type=instance, which has none. "
                        "Received: true")  # fmt: skip
    if data is not None:
        known_matrix(config, data)


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.forward_correction import ForwardCorrection

    config = context.config
    return ForwardCorrection(
        context.network(config.seed),
        known_matrix(config, context.data),
        correction_warmup_epochs=config.correction_warmup_epochs,
        **context.shared,
    )


SPECS = (
    MethodSpec(
        name="forward_correction",
        label="forward correction",
        summary="cross-entropy through the noise transition matrix",
        paper=Paper(
            "Making Deep Neural Networks Robust to Label Noise: a Loss Correction Approach",
            "Patrini et al.",
            2017,
            "https://arxiv.org/abs/1609.03683",
        ),
        settings=(CORRECTION_MATRIX, CORRECTION_WARMUP_EPOCHS),
        needs=frozenset({"transition_matrix"}),
        check=_check,
        skips=(),
        build=_build,
        api=("ieg_fsr.methods.models.forward_correction:ForwardCorrection",),
    ),
)
