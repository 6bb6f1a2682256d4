"""Methods by name: the choices that a name stands for, and what does not go together with them."""

import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.methods import METHODS, REWEIGHTING


def test_those_that_reweight_are_methods():
    assert set(REWEIGHTING) <= set(METHODS)
    assert [name for name in METHODS if resolve({"method": name}).reweights] == list(REWEIGHTING)


def test_methods_are_choices():
    l2r, mwn = resolve({"method": "l2r", "dataset": "cifar10"}), resolve({"method": "mwn", "meta_layers": "dense"})
    assert (l2r.reward_source, l2r.meta_layers, l2r.weight_rule, l2r.clean_per_class) == (
        "holdout",
        "all",
        "direct",
        100,
    )
    assert (l2r.initial_sample_weights, l2r.lookahead_momentum, l2r.mixup) == ("zero", 0.0, False)
    assert resolve({"method": "l2r", "dataset": "cifar100"}).clean_per_class == 10
    assert (mwn.reward_source, mwn.meta_layers, mwn.weight_rule) == ("holdout", "dense", "weight_net")
    assert (mwn.clean_per_class, mwn.has_dictionary, mwn.holds_out) == (10, False, True)
    assert mwn.weight_net_learning_rate == 3e-3
    assert resolve({"method": "mwn", "dataset": "cifar10"}).weight_net_learning_rate == 1e-3
    fsr = resolve({})
    assert (fsr.has_dictionary, fsr.meta_layers, fsr.lookahead_momentum) == (True, "dense", None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"method": "l2r", "reward_features": "history"},
            "--reward_features must be forward with --reward_source=holdout: clean images are not trained on. "
            "Received: history",
        ),
        (
            {"method": "l2r", "dataset": "folder:x"},
            "--reward_source must be dictionary with --dataset=folder:x, whose true labels are not known (those of own "
            "data count as true where --labels_file or --noise stands in for them). Received: holdout",
        ),
        (
            {"method": "mwn", "dataset": "webvision_mini", "noise": 0.1},
            "--reward_source must be dictionary with --dataset=webvision_mini, whose true labels are not known (those "
            "of own data count as true where --labels_file or --noise stands in for them). Received: holdout",
        ),
    ],
)
def test_choices_that_do_not_go_together(settings, message):
    with pytest.raises(UserError) as caught:
        resolve(settings)
    assert str(caught.value) == message


def test_true_labels_are_known_where_others_stand_in_for_them():
    assert resolve({"method": "l2r", "dataset": "folder:x", "labels_file": "l"}).holds_out
    assert resolve({"method": "l2r", "dataset": "npz:x", "noise": 0.2}).holds_out
    assert not resolve({"method": "supervised", "reward_source": "holdout"}).holds_out
