"""PENCIL: labels that are trained together with the network; the model is `models.pencil`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ieg_fsr.errors import UserError
from ieg_fsr.figures import Figure
from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import ANY, above, at_least, between
from ieg_fsr.setting import Config, Setting

if TYPE_CHECKING:
    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

PENCIL_ALPHA = Setting(
    "pencil_alpha", None, at_least(0), "alpha, factor of the compatibility with the given label; 1 / (2 C) if not "
    "given, at which labels can change", kind=float, argument="alpha",
)  # fmt: skip
PENCIL_BETA = Setting("pencil_beta", 0.1, at_least(0), "beta, factor of the entropy of predictions", argument="beta")
PENCIL_LABEL_RATE = Setting(
    "pencil_label_rate", 600.0, at_least(0), "lambda, learning rate of the labels; gradients are those of a mean over "
    "batch and classes", argument="label_rate",
)  # fmt: skip
PENCIL_DOUBLE_SOFTMAX = Setting(
    "pencil_double_softmax", False, ANY, "as the released code: compatibility through a second softmax, bounded and "
    "weaker", argument="double_softmax",
)  # fmt: skip
PENCIL_LEARNING_RATE = Setting(
    "pencil_learning_rate", 0.06, above(0), "of the first two stages, constant; in the place of --learning_rate and "
    "its schedule", argument="learning_rate",
)  # fmt: skip
PENCIL_TUNING_RATE = Setting(
    "pencil_tuning_rate", 0.2, above(0), "of the third stage, a tenth and a hundredth in its second and third third",
    argument="tuning_rate",
)  # fmt: skip
PENCIL_BACKBONE_SHARE = Setting(
    "pencil_backbone_share", 70 / 320, between(0, 1), "share of the epochs in the first stage: plain training",
    argument="backbone_share",
)  # fmt: skip
PENCIL_LABELS_SHARE = Setting(
    "pencil_labels_share", 130 / 320, between(0, 1), "share of the epochs in the second stage: labels are trained; "
    "the third has the rest", argument="labels_share",
)  # fmt: skip
_SETTINGS = (
    *(PENCIL_ALPHA, PENCIL_BETA, PENCIL_LABEL_RATE, PENCIL_DOUBLE_SOFTMAX, PENCIL_LEARNING_RATE, PENCIL_TUNING_RATE),
    *(PENCIL_BACKBONE_SHARE, PENCIL_LABELS_SHARE),
)
FIGURES = (
    Figure(
        "relabelled", format=".1%", tag="labels/relabelled", words="training labels that training has changed (share)"
    ),
)
# What says how the learning rate of a run goes, which the stages say here.
_NOT_LOOKED_AT = ("learning_rate", "schedule", "drop_epochs", "learning_rate_warmup_epochs")


def _check(config: Config, data: DataSet | None) -> None:
    shares = config.pencil_backbone_share + config.pencil_labels_share
    if shares > 1:
        raise UserError(
            f"--pencil_labels_share must be at most {1 - config.pencil_backbone_share:g}, what "
            f"--pencil_backbone_share leaves. Received: {config.pencil_labels_share:g}"
        )


def resolved_alpha(alpha: float | None, num_classes: int) -> float:
    """alpha, 1 / (2 C) if not given."""
    return 0.5 / num_classes if alpha is None else alpha


def labels_can_change(alpha: float, num_classes: int, double_softmax: bool) -> bool:
    """Whether a label can leave the given class t for another one that the network is sure of.

    The label y comes to rest where (y - f) / C = alpha (t - y), with y_t = alpha C / (1 + alpha C): below a half where
    alpha C < 1. Through the second softmax it rests where alpha C (1 - y_t) g = 1, with g = 1 at a half.
    """
    return alpha * num_classes < (2.0 if double_softmax else 1.0)


def _notes(config: Config, data: DataSet) -> list[str]:
    alpha, lines = resolved_alpha(config.pencil_alpha, data.num_classes), []
    if given := [f"--{name}" for name in _NOT_LOOKED_AT if name in config.given]:
        lines.append(f"{', '.join(given)}: not looked at, the stages have --pencil_learning_rate, --pencil_tuning_rate")
    if not labels_can_change(alpha, data.num_classes, config.pencil_double_softmax):
        bound = (2 if config.pencil_double_softmax else 1) / data.num_classes
        lines.append(f"labels soften and keep their classes: they change where --pencil_alpha is below {bound:g}")
    return lines


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.pencil import Pencil

    config = context.config
    own = {str(setting.argument): config[setting.name] for setting in _SETTINGS}
    return Pencil(context.network(config.seed), len(context.given_labels), **own, **context.shared)


SPECS = (
    MethodSpec(
        name="pencil",
        label="PENCIL",
        summary="labels that are trained together with the network",
        paper=Paper(
            "Probabilistic End-to-end Noise Correction for Learning with Noisy Labels",
            "Yi & Wu",
            2019,
            "https://arxiv.org/abs/1903.07788",
        ),
        settings=_SETTINGS,
        # The released defaults, for symmetric noise; for asymmetric noise the paper has alpha 0.1, beta 0.4.
        dataset_recipes={
            "cifar10": {"pencil_alpha": 0.4},
            "cifar100": {
                "pencil_alpha": 0.1,
                "pencil_beta": 0.4,
                "pencil_label_rate": 10_000.0,
                "pencil_learning_rate": 0.35,
            },
        },
        # Two samples mixed have no label of their own to train.
        mixes=False,
        check=_check,
        resolved=lambda config, data: {"pencil_alpha_resolved": resolved_alpha(config.pencil_alpha, data.num_classes)},
        notes=_notes,
        skips=(),
        build=_build,
        figures=FIGURES,
        api=("ieg_fsr.methods.models.pencil:Pencil",),
    ),
)
