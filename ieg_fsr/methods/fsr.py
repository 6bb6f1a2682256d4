"""Fast sample re-weighting (FSR): the reward set is a dictionary of training examples that training itself trusts."""

from collections.abc import Mapping
from typing import Any

from ieg_fsr.methods.logit_adjustment import LOGIT_ADJUSTMENT_TAU, logit_adjusted_cross_entropy
from ieg_fsr.methods.reweighting import API, FROM_HISTORY, family_spec, idle_settings
from ieg_fsr.methods.spec import Paper
from ieg_fsr.reweighting.settings import AUTO, REWEIGHTING_SETTINGS, SKIPPING_SETTINGS, STRENGTH
from ieg_fsr.rules import ANY
from ieg_fsr.setting import Setting

FAITHFUL = Setting(
    "faithful",
    False,
    ANY,
    "as the authors' released code: --strength=1 --pusher=release --reward_interval=1",
    short=True,
)


def _adapt(values: Mapping[str, Any], recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A long tail, where the strength tunes itself: half of logit adjustment in the loss, and from early on it can."""
    tuned = values["strength"] == AUTO and not values["faithful"] and values["reward_source"] == "dictionary"
    if not tuned or values["imbalance"] <= 1:
        return {}
    early = min(recipe["reweight_warmup_epochs"], recipe["epochs"] // 10)
    return {"weight_constraint": "clip", "logit_adjustment_tau": 0.5, "reweight_warmup_epochs": early}


def _idle(values: Mapping[str, Any]) -> frozenset[str]:
    skipping = frozenset() if values.get("skip") == "weights" else frozenset(one.name for one in SKIPPING_SETTINGS)
    return skipping | idle_settings(values)


SPECS = (
    family_spec(
        name="fsr",
        label="FSR",
        summary="fast sample re-weighting from a dictionary of trusted training examples",
        paper=Paper(
            "Learning Fast Sample Re-weighting Without Reward Data",
            "Zhang & Pfister",
            2021,
            "https://arxiv.org/abs/2109.03216",
        ),
        settings=(STRENGTH, *REWEIGHTING_SETTINGS, *SKIPPING_SETTINGS, LOGIT_ADJUSTMENT_TAU, FAITHFUL),
        skips=("loss", "weights"),
        idle=_idle,
        recipe={**FROM_HISTORY, "logit_adjustment_tau": 0.0},
        adapt=_adapt,
        api=(*API, "ieg_fsr.methods.models.skipping:WeightSkipping", logit_adjusted_cross_entropy),
        # What the authors' released code does, where the defaults do something cheaper.
        presets={
            "faithful": {"strength": "1", "pusher": "release", "reward_features": "forward", "reward_interval": 1}
        },
        variants={"fsr_faithful": {"faithful": True}, "fsr_skip": {"skip": "weights"}},
    ),
)
