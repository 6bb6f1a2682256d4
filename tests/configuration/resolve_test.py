"""Who wins among flag, recipe and default, and what is said about bad values."""

import numpy as np
import pytest

import ieg_fsr.main  # noqa: F401  (defines the flags, as a user's command does)
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.configuration.settings import SETTINGS
from ieg_fsr.data.sources.cifar import RECIPE
from ieg_fsr.errors import UserError


def test_flag_over_recipe_over_default(parsed):
    assert RECIPE.noise["padding"] == 2 != SETTINGS["padding"].default
    assert parsed("--dataset=cifar10").padding == 2
    assert parsed("--dataset=cifar10", "--padding=3").padding == 3
    assert "mixup_alpha" not in RECIPE.noise
    assert parsed("--dataset=cifar10").mixup_alpha == SETTINGS["mixup_alpha"].default == 1.0


@pytest.mark.parametrize("value", ["0", "0.0", "1"])
def test_a_given_zero_is_given(value, parsed):
    assert parsed(f"--pseudo_label_loss_weight={value}").pseudo_label_loss_weight == float(value)
    assert parsed("--padding=0").padding == 0
    assert parsed("--noflip", "--dataset=cifar10").flip is False


def test_cifar_with_noise_is_the_papers_row(parsed):
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
        "parameter_average_decay": 0.999,
    }
    assert {name: getattr(config, name) for name in row} == row


def test_what_was_given_is_remembered(parsed):
    assert parsed("--noise=0.4", "--dictionary_size=200").given == {"noise", "dictionary_size"}
    assert parsed().given == frozenset()


def test_faithful(parsed):
    names = ("pusher", "reward_features", "reward_interval")
    config = parsed("--faithful", "--dataset=cifar10")
    assert tuple(getattr(config, name) for name in names) == ("release", "forward", 1)
    config = parsed("--faithful", "--pusher=paper", "--reward_interval=3")
    assert tuple(getattr(config, name) for name in names) == ("paper", "forward", 3)


def test_reward_features_come_from_history_unless_something_asks_for_forwards(parsed):
    assert parsed("--reward_interval=2", "--reward_features=history").reward_features == "history"
    forwards = (parsed(word).reward_features for word in ("--reward_interval=2", "--reward_source=holdout"))
    assert [parsed().reward_features, *forwards] == ["history", "forward", "forward"]


def test_supervised_is_plain_unless_told_otherwise(parsed):
    assert parsed("--method=fsr").mixup is True
    assert parsed("--method=supervised").mixup is False
    assert parsed("--method=supervised", "--mixup").mixup is True
    assert parsed("--nomixup").mixup is False


def test_directory_of_a_run(parsed):
    assert parsed().model_dir == "runs/digits/fsr-noise0-seed0"
    assert parsed("--noise=0.4", "--seed=3", "--method=supervised").model_dir == (
        "runs/digits/supervised-noise0.4-seed3"
    )
    words = ("--noise=0.4", "--noise_type=pairflip", "--imbalance=50")
    assert parsed(*words).model_dir == "runs/digits/fsr-pairflip0.4-imbalance50-seed0"
    assert parsed("--labels_file=a/people.csv").model_dir == "runs/digits/fsr-people-seed0"
    assert parsed("--labels_file=a/h.npy", "--labels_key=worse").model_dir == "runs/digits/fsr-h-worse-seed0"
    words = ("--epochs=5", "--nomixup", "--meta_layers=a/b", "--weight_decay=1e-5", "--eval_interval=2", "--data_dir=d")
    assert parsed(*words).model_dir == "runs/digits/fsr-epochs5-weight_decay1e-05-nomixup-meta_layersab-noise0-seed0"
    assert len(parsed(f"--meta_layers={'x' * 400}").model_dir) < 200
    assert parsed("--faithful").model_dir != parsed("--pusher=release", "--reward_interval=1").model_dir
    assert parsed("--model_dir=x").model_dir == "x"
    assert parsed("--mode=evaluate", "--model=m.keras").model_dir is None


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("folder:/a/my flowers/", "folder-my flowers"), ("npz:x/data.npz", "npz-data"), ("tfds:mnist", "tfds-mnist")],
)
def test_directory_of_a_run_on_own_data(dataset, name, parsed):
    assert parsed(f"--dataset={dataset}").model_dir == f"runs/{name}/fsr-noise0-seed0"


def test_own_data_take_the_recipe_of_what_they_resemble(tmp_path, parsed):
    np.savez(tmp_path / "small.npz", x_train=np.zeros((2, 28, 20), np.uint8))
    np.savez(tmp_path / "large.npz", x_train=np.zeros((2, 80, 96, 3), np.uint8))
    small, large = (parsed(f"--dataset=npz:{tmp_path}/{name}.npz") for name in ("small", "large"))
    assert (small.network, small.image_size, small.padding) == ("resnet32", None, 2)
    assert (large.network, large.image_size, large.padding) == ("resnet50", None, 12)
    folder, small_folder = parsed("--dataset=folder:x"), parsed("--dataset=folder:x", "--image_size=32")
    assert (folder.network, folder.image_size) == ("resnet50", 224)
    assert (small_folder.network, small_folder.image_size) == ("resnet32", 32)


def test_values_given_by_a_program_are_checked_too():
    with pytest.raises(UserError, match=r"^--noise must be a number in \[0, 1\]\. Received: 2$"):
        resolve({"noise": 2})
    with pytest.raises(UserError, match=r"Received: nosie$"):
        resolve({"nosie": 0.1})


def test_evaluation_needs_a_model(complaint):
    message = complaint("--mode=evaluate")
    assert message.startswith("--model must be given with --mode=evaluate")
    assert message.endswith("Received: nothing")


def test_drops_need_their_epochs(complaint):
    message = complaint("--schedule=steps")
    assert message.startswith("--drop_epochs must be")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--labels_file=l --noise=0.4", "--noise must be 0 with --labels_file, which has its own. Received: 0.4"),
        ("--noise_matrix=m --noise=0.4", "--noise must be 0 with --noise_matrix, which has its own. Received: 0.4"),
        ("--labels_key=k", "--labels_key must be given with --labels_file only. Received: k"),
        ("--noise_matrix=m --labels_file=l", "--noise_matrix must not be given with --labels_file. Received: m"),
    ],
)
def test_labels_come_from_one_place(words, message, complaint):
    assert complaint(*words.split()) == message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--method=elr --mixup", "--mixup must be false with --method=elr. Received: true"),
        ("--method=elr --skip=weights", "--skip must be auto, none or loss with --method=elr. Received: weights"),
        ("--method=pencil --skip=loss", "--skip must be auto or none with --method=pencil. Received: loss"),
        (
            "--skip=weights --strength=0",
            "--skip=weights must go with a dictionary and a strength above 0. Received: --strength=0",
        ),
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
def test_settings_that_a_method_cannot_do_with(words, message, complaint):
    assert complaint(*words.split()) == message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "--method=gce --epochs=2 --elr_lambda=1",
            "--elr_lambda must not be given with --method=gce, whose own settings are: --gce_q. Received: 1.0",
        ),
        (
            "--method=supervised --faithful",
            "--faithful must not be given with --method=supervised, whose own settings are: none. Received: True",
        ),
    ],
)
def test_a_setting_of_another_method(words, message, complaint):
    assert complaint(*words.split()) == message


def test_a_run_has_the_settings_of_its_method():
    config = resolve({"method": "gce"})
    assert config["gce_q"] == config.gce_q == 0.7
    assert "dictionary_size" not in config
    with pytest.raises(AttributeError, match="dictionary_size"):
        print(config.dictionary_size)


def test_asymmetric_noise_is_for_cifar(parsed, complaint):
    assert parsed("--dataset=cifar100", "--noise_type=asymmetric").noise_type == "asymmetric"
    assert complaint("--noise_type=asymmetric").startswith("--noise_type must be one of uniform, uniform_other, pairfl")


@pytest.mark.parametrize("value", [2**31, 10**30])
def test_whole_numbers_fit_into_the_integers_of_a_step(value):
    assert resolve({"reward_interval": 2**31 - 1}).reward_interval == 2**31 - 1
    with pytest.raises(UserError, match=rf"^--reward_interval must be at most 2147483647\. Received: {value}$"):
        resolve({"reward_interval": value})


def test_a_directory_that_is_named_after_bytes_that_are_no_text():
    with pytest.raises(UserError, match=r"^--model_dir must be a path of printable letters"):
        resolve({"dataset": "npz:\udcff.npz"})
