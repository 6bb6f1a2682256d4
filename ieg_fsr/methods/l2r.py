"""Learning to re-weight (L2R): weights of the whole network from clean images, one step of lookahead from zero."""

from ieg_fsr.methods.reweighting import HOLD_OUT, family_spec
from ieg_fsr.methods.spec import Paper

SPECS = (
    family_spec(
        name="l2r",
        label="L2R",
        summary="learning to re-weight from clean images, whole network",
        paper=Paper(
            "Learning to Reweight Examples for Robust Deep Learning",
            "Ren et al.",
            2018,
            "https://arxiv.org/abs/1803.09050",
        ),
        recipe={**HOLD_OUT, "initial_sample_weights": "zero"},
        # 1000 clean images in total, as in the paper; on CIFAR-100 these are the default's 10 of each class.
        dataset_recipes={"cifar10": {"clean_per_class": 100}},
        needs=frozenset({"clean_images"}),
    ),
)
