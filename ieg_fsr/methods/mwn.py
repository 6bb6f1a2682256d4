"""Meta-Weight-Net (MWN): a small network from loss to weight, learned from clean images."""

from ieg_fsr.methods.reweighting import HOLD_OUT, family_spec
from ieg_fsr.methods.spec import Paper

SPECS = (
    family_spec(
        name="mwn",
        label="MWN",
        summary="Meta-Weight-Net: a network from loss to weight, learned from clean images",
        paper=Paper(
            "Meta-Weight-Net: Learning an Explicit Mapping For Sample Weighting",
            "Shu et al.",
            2019,
            "https://arxiv.org/abs/1902.07379",
        ),
        recipe={**HOLD_OUT, "weight_rule": "weight_net"},
        dataset_recipes={
            # 1000 clean images in total, as in the paper; on CIFAR-100 these are the default's 10 of each class.
            "cifar10": {"clean_per_class": 100},
            # The default of 1e-3 is for 60,000 steps, and these are 1,300. Accuracy at 40 % and 80 % noise, seed 0, by
            # rate: 1e-3 .961, .789; 3e-3 .972, .903; 1e-2 .975, .464 (all weights saturate, and stay so). With the
            # final Dense layer only, which shares the setting: 1e-3 .950, .817; 3e-3 .936, .706; 1e-2 .911, .608.
            "digits": {"weight_net_learning_rate": 3e-3},
        },
        variants={"mwn_dense": {"meta_layers": "dense"}},
        needs=frozenset({"clean_images"}),
    ),
)
