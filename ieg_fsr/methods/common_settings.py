"""Settings that every method has, of the frame that `Supervised` gives to all. No TensorFlow."""

from ieg_fsr.rules import ANY, above, at_least, below_one, one_of
from ieg_fsr.setting import Setting

_TRAINING = "Training"

WEIGHT_DECAY = Setting(
    "weight_decay", 0.0, at_least(0), "factor of half the squared norm of all trainable variables", group=_TRAINING,
    protocol=True, short=True,
)  # fmt: skip
LABEL_SMOOTHING = Setting(
    "label_smoothing", 0.0, below_one(), "share of a target spread over all classes", group=_TRAINING, short=True
)
MIXUP = Setting("mixup", False, ANY, "mix pairs of samples", group=_TRAINING, short=True)
MIXUP_ALPHA = Setting("mixup_alpha", 1.0, above(0), "Beta parameter of MixUp", group=_TRAINING)
PARAMETER_AVERAGE_DECAY = Setting(
    "parameter_average_decay", None, below_one(), "of the parameter average reported beside the raw parameters",
    kind=float, group=_TRAINING, protocol=True, aliases=("ema_decay",),
)  # fmt: skip
DEFERRED_REWEIGHTING = Setting(
    "deferred_reweighting", None, at_least(0),
    "epochs before each class is weighed by its effective number of examples; never if not given", kind=int,
    group=_TRAINING, argument="epoch",
)  # fmt: skip
DEFERRED_REWEIGHTING_BETA = Setting(
    "deferred_reweighting_beta", 0.9999, below_one(), "beta of these effective numbers", group=_TRAINING,
    argument="beta",
)  # fmt: skip
SKIP = Setting(
    "skip", "auto", one_of("auto", "none", "loss", "weights"),
    "what epochs leave out: weights: what re-weighting distrusts or has mastered; loss: half of what has a small loss "
    "(InfoBatch); auto: nothing", group=_TRAINING,
)  # fmt: skip
# What is done to the classifier after its training.
HEAD = Setting(
    "head", "dense", one_of("dense", "rog", "crt"),
    "final part: as trained; RoG's robust Gaussians; cRT, trained anew on balanced classes",
    group="Method",
)  # fmt: skip
LOGIT_ADJUSTMENT_AFTER = Setting(
    "logit_adjustment_after", 0.0, at_least(0),
    "tau; after training tau times the log shares of the classes are taken out of the logits", group="Method",
)  # fmt: skip
