"""Tests of the settings of FSR that need no model; the messages as a user sees them are in fsr_test."""

import numpy as np
import pytest

from ieg_fsr.data.pipeline.examples import examples
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.fsr_settings import check_settings, reward_set_size
from ieg_fsr.reweighting.settings import check_pseudo_label_table, kept_logits

SOUND = {
    "reward_interval": 1,
    "pusher": "release",
    "reward_features": "forward",
    "weight_constraint": "shift",
    "pseudo_label_dtype": "float16",
}


def test_sound_settings_pass():
    check_settings(True, **SOUND, reward_batch_size=1, score_momentum=0, label_momentum=1.0)
    history = SOUND | {"reward_interval": None, "reward_features": "history"}
    check_settings(False, **history, reward_batch_size=np.int64(500), lookahead_learning_rate=np.float32(0.1))


def test_a_hold_out_has_no_history():
    with pytest.raises(UserError, match=r"reward_features must be forward. Received: history"):
        check_settings(True, **(SOUND | {"reward_features": "history"}))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reward_interval": 0}, "reward_interval must be a whole number at least 1. Received: 0"),
        ({"reward_batch_size": 0}, "reward_batch_size must be a whole number at least 1. Received: 0"),
        ({"reward_batch_size": "a\nb"}, r"reward_batch_size must be a whole number at least 1. Received: a\\nb"),
        ({"score_momentum": 1.0}, r"score_momentum must be a number in \[0, 1\). Received: 1.0"),
        ({"label_momentum": 2}, r"label_momentum must be a number in \[0, 1\]. Received: 2"),
        ({"lookahead_learning_rate": -1}, "lookahead_learning_rate must be a number greater than 0. Received: -1"),
        ({"lookahead_momentum": 1}, r"lookahead_momentum must be a number in \[0, 1\). Received: 1"),
        ({"pseudo_label_loss_weight": float("nan")}, "pseudo_label_loss_weight must be a number at least 0.*: nan"),
        ({"reweight_warmup_epochs": 1.5}, "reweight_warmup_epochs must be a whole number at least 0. Received: 1.5"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong, message):
    with pytest.raises(UserError, match=f"^{message}$"):
        check_settings(False, **(SOUND | wrong))


@pytest.mark.parametrize(("given", "places"), [(None, 60), (60, 60), (1, 1)])
def test_a_dictionary_that_nobody_sized_is_cut_to_the_data(given, places):
    assert reward_set_size(given, 60, None) == places
    assert reward_set_size(None, 60_000, None) == 2000


def test_a_hold_out_has_its_own_size():
    clean = examples(np.zeros([7, 2]), np.arange(7) % 2, 1)
    assert reward_set_size(None, 60, clean) == reward_set_size(2000, 60, clean) == 7


@pytest.mark.parametrize("size", [0, 61, 2.5, "a"])
def test_a_dictionary_larger_than_the_data_is_refused(size):
    with pytest.raises(UserError, match=rf"^dictionary_size must be a whole number in 1..60. Received: {size}$"):
        reward_set_size(size, 60, None)
    with pytest.raises(UserError, match=r"^num_examples must be a whole number at least 1. Received: 0$"):
        reward_set_size(None, 0, None)


def test_how_many_logits_pseudo_labels_keep():
    assert [kept_logits("pseudo_label_top", top, 10) for top in ("all", "3", 3, 10)] == [10, 3, 3, 10]
    for top, message in ((11, "at most 10, the number of classes"), (0, "a whole number at least 1"), ("x", "all or")):
        with pytest.raises(UserError, match=f"^pseudo_label_top must be .*{message}.*Received: {top}$"):
            kept_logits("pseudo_label_top", top, 10)


def test_a_table_that_memory_cannot_hold_is_refused_with_its_bytes():
    check_pseudo_label_table("--pseudo_label_top", 10**6, 1000, 14, "float32")
    with pytest.raises(UserError, match=r"^--pseudo_label_top must make .*: all, 4000000000000000 bytes"):
        check_pseudo_label_table("--pseudo_label_top", 10**9, 10**6, 10**6, "float32")
    with pytest.raises(UserError, match=r"Received: 14, 64000000000000 bytes"):
        check_pseudo_label_table("--pseudo_label_top", 10**12, 1000, 14, "float32")
