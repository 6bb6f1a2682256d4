"""Every setting is a flag, a command line can be written back, slips are named."""

import shlex

import pytest
from absl import flags

import ieg_fsr.main  # noqa: F401  (defines the flags, as a user's command does)
from ieg_fsr.configuration import flags as command_line_module
from ieg_fsr.configuration.flags import command_line, given_settings, run_program
from ieg_fsr.configuration.settings import SETTINGS
from ieg_fsr.errors import UserError


def test_every_field_is_a_flag_with_its_help():
    for name, setting in SETTINGS.items():
        assert name in flags.FLAGS, name
        assert setting.help in flags.FLAGS[name].help, name
        assert flags.FLAGS[name].value is None, name  # "not given"


def test_every_flag_of_the_module_is_a_field():
    defined = {flag.name for flag in flags.FLAGS.flags_by_module_dict()[command_line_module.__name__]}
    assert defined == set(SETTINGS) | {alias for setting in SETTINGS.values() for alias in setting.aliases}


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--noise=0.4",
        "--dataset=cifar10 --noise=0.8 --seed=2 --learning_rate=0.05",
        "--method=supervised --mixup",
        "--nomixup --noresume",
        "--faithful",
        "--faithful --pusher=paper",
        "--schedule=steps --drop_epochs=160,180",
        "--train_examples=200 --weight_decay=1e-05",
        "--data_dir='my data'",
        "--imbalance=50",
        "--dataset=cifar100 --imbalance=50 --noise_type=asymmetric --noise=0.2 --mixup",
        "--imbalance=10 --labels_file='my labels.csv'",
        "--faithful --imbalance=10 --noise_matrix=m.npy --dictionary_size=7",
        "--dataset='folder:my photos' --strict_data",
        "--dataset=folder:photos --image_size=32 --noflip",
        "--dataset=webvision_mini --image_size=128 --data_dir=here",
        "--mode=evaluate --model=m.keras",
    ],
)
def test_command_line_round_trip(words, parsed):
    config = parsed(*shlex.split(words))
    line = command_line(config)
    again = parsed(*shlex.split(line))
    # The line leaves out the directory of the run.
    assert again.replace(model_dir=config.model_dir) == config


def test_command_line_names_only_what_differs_from_the_recipe(parsed):
    assert command_line(parsed("--dataset=cifar10")) == "--dataset=cifar10 --method=fsr"
    assert command_line(parsed("--dataset=cifar10", "--noise=0.4", "--epochs=127", "--noflip")) == (
        "--dataset=cifar10 --method=fsr --noise=0.4 --noflip"
    )
    assert command_line(parsed("--dataset=cifar10", "--imbalance=50", "--reward_batch_size=800")) == (
        "--dataset=cifar10 --method=fsr --imbalance=50.0"
    )


def test_former_spellings_are_flags(parsed):
    config = parsed("--ema_decay=0.5", "--ema_eval_interval=3")
    assert (config.parameter_average_decay, config.parameter_average_eval_interval) == (0.5, 3)
    assert config.given == {"parameter_average_decay", "parameter_average_eval_interval"}


def test_an_unknown_flag_is_named_with_what_it_could_have_been(complaint):
    message = complaint("--nosie=0.4")
    assert "nosie" in message
    assert "noise" in message


def test_a_flag_without_its_value_is_named(complaint):
    assert "--noise" in complaint("--noise")


def test_a_stray_word_is_named(complaint):
    assert complaint("--noise=0.4", "train") == "arguments must be flags such as --noise=0.4. Received: train"


def test_settings_of_some_words_leave_the_flags_alone():
    assert given_settings(["--noise=0.4", "--nomixup", "--drop_epochs", "1,2"]) == {
        "noise": 0.4,
        "mixup": False,
        "drop_epochs": (1, 2),
    }
    assert flags.FLAGS["noise"].value is None
    with pytest.raises(UserError, match=r"--epochs must be a whole number at least 1\. Received: x"):
        given_settings(["--epochs=x"])


def test_steps_to_trace(parsed, complaint):
    assert parsed("--profile_steps=10,20").profile_steps == (10, 20)
    assert complaint("--profile_steps=10") == "--profile_steps must be FIRST,LAST from 1 up. Received: 10"
    assert complaint("--profile_steps=a") == "--profile_steps must be FIRST,LAST from 1 up. Received: a"


@pytest.mark.parametrize("word", ["--nomixup=1", "--nomixup=", "--nomixup=true"])
def test_a_switch_that_is_off_takes_no_value(word):
    with pytest.raises(UserError, match="mixup"):
        given_settings([word])


def test_what_ends_a_small_program_is_one_line_and_a_code(capsys):
    def interrupted(words):
        raise KeyboardInterrupt

    def refused(words):
        raise UserError(f"--a must be b. Received: {words[0]}")

    endings = {interrupted: (3, "interrupted"), refused: (2, "--a must be b. Received: c"), len: (0, "")}
    for work, (code, line) in endings.items():
        assert run_program(["c"], "help", work) == code
        assert capsys.readouterr().err == (f"ieg_fsr: {line}\n" if line else "")
