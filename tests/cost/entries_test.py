"""What the benchmark measures: rows, their settings, sweeps, slips."""

import pytest

from ieg_fsr.cost.entries import ROWS, entries_of
from ieg_fsr.errors import UserError
from ieg_fsr.methods.registry import METHODS


def entry(name, network="resnet32", **given):
    [found] = entries_of(network, [name], given, {})
    return found


def test_every_method_of_the_command_line_is_a_row():
    assert set(METHODS) <= set(ROWS)
    for name in ROWS:
        assert entry(name).config.network == "resnet32"


def test_defaults_are_the_recipe_past_its_warm_up():
    config = entry("fsr").config
    assert (config.batch_size, config.reward_batch_size, config.dictionary_size) == (100, 200, 2000)
    assert (config.padding, config.flip, config.mixup) == (2, True, True)
    assert (config.reweight_warmup_epochs, config.image_size, config.train_examples) == (0, 32, 10_000)
    assert entry("supervised", network="resnet50").config.image_size == 64


def test_rows_beside_the_methods():
    assert entry("keras").config.method == "supervised"
    assert (entry("fsr_faithful").config.pusher, entry("fsr_faithful").config.reward_interval) == ("release", 1)
    assert (entry("mwn_dense").config.meta_layers, entry("mwn").config.meta_layers) == ("dense", "all")


def test_given_settings_reach_every_row():
    for name in ("keras", "fsr", "mwn"):
        config = entry(name, batch_size=16, image_size=40, precision="mixed_bfloat16").config
        assert (config.batch_size, config.image_size, config.precision) == (16, 40, "mixed_bfloat16")


@pytest.mark.parametrize(
    ("name", "given", "period"),
    [
        ("fsr", {"reward_features": "forward", "reward_interval": 4}, 4),
        ("fsr", {"reward_features": "history", "reward_interval": 4}, 1),
        ("fsr_faithful", {}, 1),
        ("supervised", {}, 1),
    ],
)
def test_steps_repeat_after_the_reward_interval(name, given, period):
    assert entry(name, **given).period == period


def test_a_sweep_repeats_the_rows_that_depend_on_it():
    sweeps = {"train_examples": [10_000, 20_000], "dictionary_size": [200, 5000]}
    found = entries_of("resnet32", ["keras", "supervised", "fsr", "l2r"], {}, sweeps)
    sizes = [(e.name, e.config.train_examples, e.value("dictionary_size")) for e in found]
    assert [size[0] for size in sizes] == ["keras", "supervised", *["fsr"] * 4, "l2r", "l2r"]
    assert [size[1:] for size in sizes if size[0] == "fsr"] == [(n, r) for n in (10_000, 20_000) for r in (200, 5000)]


def test_a_sweep_of_the_step_has_history_once():
    sweeps = {"reward_interval": [1, 16], "pusher": ["release", "shared"], "reward_features": ["history", "forward"]}
    found = entries_of("resnet32", ["supervised", "fsr"], {}, sweeps)
    assert found[0].name == "supervised"
    steps = [(entry.config.pusher, entry.config.reward_features, entry.period) for entry in found[1:]]
    features = [("history", 1), ("forward", 1), ("forward", 16)]
    assert sorted(steps) == sorted((pusher, *kind) for pusher in ("release", "shared") for kind in features)


@pytest.mark.parametrize(
    ("names", "given", "sweeps", "message"),
    [
        (["sgd"], {"batch_size": 10}, {}, "--methods must be some of keras, .*Received: sgd"),
        (["fsr"], {}, {"train_examples": [1000]}, "--dictionary_size must be at most --train_examples, 1000. Rec"),
        (["fsr"], {"batch_size": 200}, {"train_examples": [100]}, "--batch_size must be at most --train_examples, 100"),
        (["fsr"], {"pusher": "best"}, {}, "--pusher must be one of"),
        (["keras", "gce"], {"pusher": "paper"}, {}, "--pusher must not be given with --method=supervised, whose own "),
        (["gce", "elr"], {}, {"dictionary_size": [5]}, "--dictionary_size must not be given with --method=gce, whose "),
        (["fsr"], {"strategy": "mirrored"}, {}, "--strategy must be none: .* one replica. Received: mirrored"),
    ],
)
def test_slips_are_named(names, given, sweeps, message):
    with pytest.raises(UserError, match=message):
        entries_of("resnet32", names, given, sweeps)
