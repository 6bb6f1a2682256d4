"""Fast sample re-weighting (FSR): the reward set is a dictionary of training examples that training itself trusts."""

from ieg_fsr.methods.reweighting import FROM_HISTORY, family_spec
from ieg_fsr.methods.spec import Paper
from ieg_fsr.reweighting.settings import REWEIGHTING_SETTINGS, STRENGTH
from ieg_fsr.rules import ANY
from ieg_fsr.setting import Setting

FAITHFUL = Setting(
    "faithful",
    False,
    ANY,
    "as the authors' released code: --strength=1 --pusher=release --reward_interval=1",
    short=True,
)

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
        settings=(STRENGTH, *REWEIGHTING_SETTINGS, FAITHFUL),
        recipe=FROM_HISTORY,
        # What the authors' released code does, where the defaults do something cheaper.
        presets={
            "faithful": {"strength": "1", "pusher": "release", "reward_features": "forward", "reward_interval": 1}
        },
        variants={"fsr_faithful": {"faithful": True}},
    ),
)
