"""Tests of `ieg_fsr.config`: who wins among flag, recipe and default, and what is said about bad values."""

import dataclasses

import numpy as np
import pytest
from absl.testing import flagsaver

import ieg_fsr.main  # noqa: F401  (defines the flags, as a user's command does)
from ieg_fsr.command_line import config_from_flags, parse_flags
from ieg_fsr.config import Config, resolve
from ieg_fsr.errors import UserError
from ieg_fsr.recipes import RECIPES
from ieg_fsr.rules import ANY

FIELDS = {field.name: field for field in dataclasses.fields(Config)}


def parsed(*words):
    """The settings of a command line."""
    with flagsaver.flagsaver():
        parse_flags(["ieg_fsr", *words])
        return config_from_flags()


def complaint(*words):
    """What is said about a command line."""
    with pytest.raises(UserError) as caught:
        parsed(*words)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_default_passes_its_rule():
    for name, field in FIELDS.items():
        assert field.default is None or field.metadata["rule"].allows(field.default), name


def test_flag_over_recipe_over_default():
    assert RECIPES["cifar10"]["padding"] == 2 != FIELDS["padding"].default
    assert Config().padding == FIELDS["padding"].default
    assert parsed("--dataset=cifar10").padding == 2
    assert parsed("--dataset=cifar10", "--padding=3").padding == 3
    assert "mixup_alpha" not in RECIPES["cifar10"]
    assert parsed("--dataset=cifar10").mixup_alpha == FIELDS["mixup_alpha"].default == 1.0


@pytest.mark.parametrize("value", ["0", "0.0", "1"])
def test_a_given_zero_is_given(value):
    assert parsed(f"--pseudo_label_loss_weight={value}").pseudo_label_loss_weight == float(value)
    assert parsed("--padding=0").padding == 0
    assert parsed("--noflip", "--dataset=cifar10").flip is False


def test_cifar_with_noise_is_the_papers_row():
    config = parsed("--dataset=cifar10", "--noise=0.4")
    row = {
        "noise": 0.4,
        "noise_type": "uniform",
        "method": "fsr",
        "network": "wrn28_10",
        "batch_size": 100,
        "dictionary_size": 2000,
        "reward_batch_size": 200,
        "label_momentum": 0.1,
        "pseudo_label_loss_weight": 2.0,
        "reweight_warmup_epochs": 20,
        "mixup": True,
        "mixup_alpha": 1.0,
        "label_smoothing": 0.0,
        "weight_constraint": "clip",
        "weight_decay": 5e-4,
        "schedule": "cosine_restarts",
        "learning_rate_warmup_epochs": 0,
        "epochs": 127,
        "padding": 2,
        "flip": True,
        "learning_rate": 0.1,
        "momentum": 0.9,
        "score_momentum": 0.9,
        "lookahead_learning_rate": 0.1,
        "ema_decay": 0.999,
    }
    assert {name: getattr(config, name) for name in row} == row


def test_what_was_given_is_remembered():
    assert parsed("--noise=0.4", "--dictionary_size=200").given == {"noise", "dictionary_size"}
    assert parsed().given == frozenset()


def test_faithful():
    names = ("pusher", "reward_features", "reward_interval")
    config = parsed("--faithful", "--dataset=cifar10")
    assert tuple(getattr(config, name) for name in names) == ("release", "forward", 1)
    config = parsed("--faithful", "--pusher=paper", "--reward_interval=3")
    assert tuple(getattr(config, name) for name in names) == ("paper", "forward", 3)
    assert parsed().pusher == "lookahead"
    assert parsed().reward_interval == 4


def test_supervised_is_plain_unless_told_otherwise():
    assert parsed("--method=fsr").mixup is True
    assert parsed("--method=supervised").mixup is False
    assert parsed("--method=supervised", "--mixup").mixup is True
    assert parsed("--nomixup").mixup is False


def test_directory_of_a_run():
    assert parsed().model_dir == "runs/digits/fsr-noise0-seed0"
    assert parsed("--noise=0.4", "--seed=3", "--method=supervised").model_dir == (
        "runs/digits/supervised-noise0.4-seed3"
    )
    words = ("--noise=0.4", "--noise_type=pairflip", "--imbalance=50")
    assert parsed(*words).model_dir == "runs/digits/fsr-pairflip0.4-imbalance50-seed0"
    assert parsed("--labels_file=a/people.csv").model_dir == "runs/digits/fsr-people-seed0"
    assert parsed("--model_dir=x").model_dir == "x"
    assert parsed("--mode=evaluate", "--model=m.keras").model_dir is None


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("folder:/a/my flowers/", "folder-my flowers"), ("npz:x/data.npz", "npz-data"), ("tfds:mnist", "tfds-mnist")],
)
def test_directory_of_a_run_on_own_data(dataset, name):
    assert parsed(f"--dataset={dataset}").model_dir == f"runs/{name}/fsr-noise0-seed0"


def test_own_data_take_the_recipe_of_what_they_resemble(tmp_path):
    np.savez(tmp_path / "small.npz", x_train=np.zeros((2, 28, 20), np.uint8))
    np.savez(tmp_path / "large.npz", x_train=np.zeros((2, 80, 96, 3), np.uint8))
    small, large = (parsed(f"--dataset=npz:{tmp_path}/{name}.npz") for name in ("small", "large"))
    assert (small.network, small.image_size, small.padding) == ("resnet32", None, 2)
    assert (large.network, large.image_size, large.padding) == ("resnet50", None, 12)
    folder, small_folder = parsed("--dataset=folder:x"), parsed("--dataset=folder:x", "--image_size=32")
    assert (folder.network, folder.image_size) == ("resnet50", 224)
    assert (small_folder.network, small_folder.image_size) == ("resnet32", 32)


def test_types():
    config = parsed("--drop_epochs=160,180", "--learning_rate=1", "--train_examples=7")
    assert config.drop_epochs == (160, 180)
    assert type(config.learning_rate) is float
    assert config.train_examples == 7
    assert parsed().train_examples is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1


NUMBER = "a number "
WHOLE = "a whole number "
DATASETS = "one of digits, fashion_mnist, cifar10, cifar100, webvision_mini, inaturalist2018, folder:DIR"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("mode", "tain", "one of train, evaluate"),
        ("dataset", "foo", DATASETS),
        ("dataset", "folder:", DATASETS),
        ("image_size", "7", f"{WHOLE}at least 8"),
        ("noise", "1.4", f"{NUMBER}in [0, 1]"),
        ("noise", "-0.1", f"{NUMBER}in [0, 1]"),
        ("noise", "nan", f"{NUMBER}in [0, 1]"),
        ("noise", "abc", f"{NUMBER}in [0, 1]"),
        ("noise", "", f"{NUMBER}in [0, 1]"),
        ("noise_type", "salt", "one of uniform"),
        ("imbalance", "0.9", f"{NUMBER}at least 1"),
        ("train_examples", "0", f"{WHOLE}at least 1"),
        ("seed", "-1", f"{WHOLE}in 0..2147483647"),
        ("seed", "2147483648", f"{WHOLE}in 0..2147483647"),
        ("method", "sgd", "one of fsr, l2r, mwn, supervised"),
        ("network", "foo", "one of small_cnn, "),
        ("epochs", "0", f"{WHOLE}at least 1"),
        ("epochs", "-1", f"{WHOLE}at least 1"),
        ("epochs", "1.5", f"{WHOLE}at least 1"),
        ("batch_size", "0", f"{WHOLE}at least 1"),
        ("learning_rate", "0", f"{NUMBER}greater than 0"),
        ("learning_rate", "inf", f"{NUMBER}greater than 0"),
        ("learning_rate", "nan", f"{NUMBER}greater than 0"),
        ("schedule", "linear", "one of cosine, cosine_restarts, steps"),
        ("drop_epochs", "a", "whole numbers"),
        ("drop_epochs", "-3", "whole numbers"),
        ("learning_rate_warmup_epochs", "-1", f"{WHOLE}at least 0"),
        ("momentum", "1", f"{NUMBER}in [0, 1)"),
        ("momentum", "-0.5", f"{NUMBER}in [0, 1)"),
        ("weight_decay", "-1", f"{NUMBER}at least 0"),
        ("weight_decay", "inf", f"{NUMBER}at least 0"),
        ("label_smoothing", "1", f"{NUMBER}in [0, 1)"),
        ("mixup", "maybe", "true or false"),
        ("mixup_alpha", "0", f"{NUMBER}greater than 0"),
        ("padding", "-1", f"{WHOLE}at least 0"),
        ("ema_decay", "1", f"{NUMBER}in [0, 1)"),
        ("reward_source", "test", "one of dictionary, holdout"),
        ("weight_rule", "none", "one of direct, weight_net, uniform"),
        ("clean_per_class", "0", f"{WHOLE}at least 1"),
        ("lookahead_momentum", "1", f"{NUMBER}in [0, 1)"),
        ("initial_sample_weights", "one", "one of uniform, zero"),
        ("weight_net_learning_rate", "0", f"{NUMBER}greater than 0"),
        ("weight_net_weight_decay", "-1", f"{NUMBER}at least 0"),
        ("weight_net_units", "0", f"{WHOLE}at least 1"),
        ("layer_gradients_interval", "-1", f"{WHOLE}at least 0"),
        ("dictionary_size", "0", f"{WHOLE}at least 1"),
        ("reward_batch_size", "0", f"{WHOLE}at least 1"),
        ("reward_features", "future", "one of forward, history"),
        ("reward_interval", "0", f"{WHOLE}at least 1"),
        ("pusher", "strong", "one of lookahead, shared, release, paper, negative_loss, max_margin, "),
        ("score_momentum", "1", f"{NUMBER}in [0, 1)"),
        ("lookahead_learning_rate", "0", f"{NUMBER}greater than 0"),
        ("weight_constraint", "none", "one of clip, shift"),
        ("reweight_warmup_epochs", "-1", f"{WHOLE}at least 0"),
        ("label_momentum", "1.1", f"{NUMBER}in [0, 1]"),
        ("pseudo_label_loss_weight", "-1", f"{NUMBER}at least 0"),
        ("pseudo_label_loss_weight", "inf", f"{NUMBER}at least 0"),
        ("gce_q", "0", f"{NUMBER}in (0, 1]"),
        ("elr_lambda", "-1", f"{NUMBER}at least 0"),
        ("elr_momentum", "1", f"{NUMBER}in [0, 1)"),
        ("focal_gamma", "-1", f"{NUMBER}at least 0"),
        ("class_balanced_beta", "1", f"{NUMBER}in [0, 1)"),
        ("correction_warmup_epochs", "-1", f"{WHOLE}at least 0"),
        ("coteaching_forget_rate", "1", f"{NUMBER}in [0, 1)"),
        ("coteaching_warmup_epochs", "-1", f"{WHOLE}at least 0"),
        ("eval_interval", "0", f"{WHOLE}at least 1"),
        ("ema_eval_interval", "0", f"{WHOLE}at least 1"),
        ("jit_compile", "yes", "one of auto, true, false"),
        ("precision", "float8", "one of float32, mixed_bfloat16, mixed_float16"),
        ("pseudo_label_dtype", "int8", "one of float32, float16"),
        ("profile_steps", "10", "FIRST,LAST"),
    ],
)
def test_bad_value(name, value, allowed):
    message = complaint(f"--{name}={value}")
    rule, received = message.split(". Received:")
    assert rule.startswith(f"--{name} must be {allowed}"), message
    # A number may be repeated as Python writes it: 0 as 0.0.
    assert received.strip() == value or float(received) == float(value), message


def test_every_setting_with_a_rule_has_its_message_tested():
    [marker] = [mark for mark in test_bad_value.pytestmark if mark.name == "parametrize"]
    tested = {name for name, _, _ in marker.args[1]}
    assert {name for name, field in FIELDS.items() if field.metadata["rule"] is not ANY} <= tested


def test_values_given_by_a_program_are_checked_too():
    with pytest.raises(UserError, match=r"^--noise must be a number in \[0, 1\]\. Received: 2$"):
        resolve({"noise": 2})
    with pytest.raises(UserError, match=r"Received: nosie$"):
        resolve({"nosie": 0.1})


def test_evaluation_needs_a_model():
    message = complaint("--mode=evaluate")
    assert message.startswith("--model must be given with --mode=evaluate")
    assert message.endswith("Received: nothing")


def test_drops_need_their_epochs():
    message = complaint("--schedule=steps")
    assert message.startswith("--drop_epochs must be")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--labels_file=l --noise=0.4", "--noise must be 0 with --labels_file, which has its own. Received: 0.4"),
        ("--noise_matrix=m --noise=0.4", "--noise must be 0 with --noise_matrix, which has its own. Received: 0.4"),
        ("--noise_matrix=m --labels_file=l", "--noise_matrix must not be given with --labels_file. Received: m"),
    ],
)
def test_labels_come_from_one_place(words, message):
    assert complaint(*words.split()) == message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--method=elr --mixup", "--mixup must be false with --method=elr. Received: true"),
        ("--method=coteaching --mixup", "--mixup must be false with --method=coteaching. Received: true"),
        (
            "--method=forward_correction --correction_matrix=true --labels_file=l",
            "--correction_matrix must be estimated or a file with --labels_file. Received: true",
        ),
        (
            "--method=coteaching --labels_file=l",
            "--coteaching_forget_rate must be given with --labels_file: the share of wrong labels. Received: nothing",
        ),
    ],
)
def test_settings_that_a_method_cannot_do_with(words, message):
    assert complaint(*words.split()) == message


def test_asymmetric_noise_is_for_cifar():
    assert parsed("--dataset=cifar100", "--noise_type=asymmetric").noise_type == "asymmetric"
    assert complaint("--noise_type=asymmetric").startswith("--noise_type must be one of uniform, uniform_other, pairfl")
