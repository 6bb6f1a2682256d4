"""Tests of the settings of FSR that need no model; the messages as a user sees them are in fsr_test."""

import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.methods.fsr_settings import check_settings

SOUND = {
    "sample_loss": None,
    "pusher": "release",
    "reward_features": "forward",
    "weight_constraint": "shift",
    "pseudo_label_dtype": "float16",
}


def test_sound_settings_pass():
    check_settings(10, 10, 1, 1, True, **SOUND)
    check_settings(10, 1, 500, 9, False, **(SOUND | {"reward_features": "history"}))


def test_a_hold_out_has_no_history():
    with pytest.raises(UserError, match=r"reward_features must be forward. Received: history"):
        check_settings(10, 5, 2, 1, True, **(SOUND | {"reward_features": "history"}))


@pytest.mark.parametrize(("size", "q", "interval"), [(0, 1, 1), (11, 1, 1), (5, 0, 1), (5, 1, 0)])
def test_numbers_out_of_range_are_refused(size, q, interval):
    with pytest.raises(UserError, match=r"must be (in 1\.\.10|at least 1)\. Received: (0|11)"):
        check_settings(10, size, q, interval, False, **SOUND)
