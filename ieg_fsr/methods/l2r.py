"""Learning to re-weight (L2R): weights of the whole network from clean images, one step of lookahead from zero."""

from ieg_fsr.methods import reweighting
from ieg_fsr.methods.reweighting_figures import REWEIGHTING_FIGURES
from ieg_fsr.methods.spec import MethodSpec, Paper
from ieg_fsr.reweighting.settings import REWEIGHTING_SETTINGS

SPECS = (
    MethodSpec(
        name="l2r",
        label="L2R",
        summary="learning to re-weight from clean images, whole network",
        paper=Paper(
            "Learning to Reweight Examples for Robust Deep Learning",
            "Ren et al.",
            2018,
            "https://arxiv.org/abs/1803.09050",
        ),
        settings=REWEIGHTING_SETTINGS,
        recipe={**reweighting.HOLD_OUT, "initial_sample_weights": "zero"},
        # 1000 clean images in total, as in the paper; on CIFAR-100 these are the default's 10 of each class.
        dataset_recipes={"cifar10": {"clean_per_class": 100}},
        needs=frozenset({"clean_images"}),
        check=reweighting.check,
        imply=reweighting.imply,
        resolved=reweighting.resolved,
        notes=reweighting.notes,
        clean_per_class=reweighting.clean_per_class,
        idle=reweighting.idle,
        period=reweighting.period,
        build=reweighting.build,
        figures=REWEIGHTING_FIGURES,
        api=reweighting.API,
    ),
)
