"""Early-learning regularisation; the loss and its table are in `models.early_learning`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import at_least, below_one
from ieg_fsr.setting import Setting

if TYPE_CHECKING:
    from ieg_fsr.methods.models.supervised import Supervised

ELR_LAMBDA = Setting("elr_lambda", 3.0, at_least(0), "lambda, strength of the second term", argument="strength")
ELR_MOMENTUM = Setting("elr_momentum", 0.7, below_one(), "beta, of the running probabilities", argument="momentum")


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.early_learning import EarlyLearningRegularization

    examples, config = len(context.given_labels), context.config
    loss = EarlyLearningRegularization(examples, context.data.num_classes, config.elr_lambda, config.elr_momentum)
    return context.supervised(sample_loss=loss)


SPECS = (
    MethodSpec(
        name="elr",
        label="ELR",
        summary="early-learning regularisation",
        paper=Paper(
            "Early-Learning Regularization Prevents Memorization of Noisy Labels",
            "Liu et al.",
            2020,
            "https://arxiv.org/abs/2007.00151",
        ),
        settings=(ELR_LAMBDA, ELR_MOMENTUM),
        # The defaults are those for CIFAR-10, and reach on digits what is expected of the method.
        dataset_recipes={"cifar100": {"elr_lambda": 7.0, "elr_momentum": 0.9}},
        # What the table keeps of a sample has no meaning for two samples mixed.
        mixes=False,
        build=_build,
        api=("ieg_fsr.methods.models.early_learning:EarlyLearningRegularization",),
    ),
)
