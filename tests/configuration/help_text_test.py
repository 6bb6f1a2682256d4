"""Tests of `ieg_fsr.configuration.help_text`: what a newcomer sees, and that nothing is missing from the full text."""

import re
import shlex

import pytest

from ieg_fsr.configuration.flags import given_settings
from ieg_fsr.configuration.help_text import asked_for, full_help, groups, short_help
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.configuration.settings import SETTINGS
from ieg_fsr.data.sources import digits
from ieg_fsr.data.sources.datasets import SPECS, is_dataset

ENTRY = re.compile(r"^  --(?:\[no\])?(\w+)", flags=re.MULTILINE)


def entry(text, name):
    """The words on a setting, on one line."""
    found = re.search(rf"^  --(?:\[no\])?{name} (.*(?:\n {{31}}.*)*)", text, flags=re.MULTILINE)
    return " ".join(found.group(1).split())


def test_full_help_has_every_setting_once_and_its_rule():
    names = ENTRY.findall(full_help())
    assert sorted(names) == sorted([*SETTINGS, "flagfile", "verbosity"])
    assert entry(full_help(), "noise") == "share of the labels drawn anew (in [0, 1]) [0]"
    assert "FIRST,LAST from 1 up" in entry(full_help(), "profile_steps")


def test_full_help_has_a_line_for_each_data_set():
    section = full_help().split("\nData sets\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in section] == [spec.usage for spec in SPECS.values()]
    assert "  digits                       8x8 handwritten digits of scikit-learn; no download [10 classes]" in section
    assert max(map(len, section)) <= 120


def test_short_help_is_two_screens_of_known_settings():
    text = short_help()
    assert len(text.splitlines()) <= 80
    assert max(map(len, text.splitlines())) <= 120
    assert set(ENTRY.findall(text)) < set(SETTINGS)
    for name in ("dataset", "noise", "method", "epochs", "dictionary_size", "model_dir", "seed"):
        assert name in ENTRY.findall(text)


@pytest.mark.parametrize("text", [short_help(), full_help()], ids=["short", "full"])
def test_defaults_and_choices(text):
    assert entry(text, "epochs").endswith(f"[recipe: {digits.RECIPE.noise['epochs']}]")
    assert entry(text, "mixup") == "mix pairs of samples [recipe: on]"
    assert entry(text, "method").endswith("mwn, fsr) [fsr]")
    assert entry(text, "seed").endswith("[0]")
    assert entry(text, "image_size").endswith("[recipe]")
    assert "[" not in entry(text, "data_dir")
    assert "0 done, 1 cannot go on, 2 bad input, 3 stopped" in text


def test_the_examples_on_top_are_commands():
    commands = re.findall(r"^  python -m ieg_fsr\.main (.*?)(?:   .*)?$", short_help(), flags=re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        given = given_settings(shlex.split(command))
        dataset = given.get("dataset", "digits")
        assert is_dataset(dataset)
        if ":" not in dataset:
            resolve(given)


def test_settings_stand_with_their_kind_or_with_their_methods():
    found = {heading: [setting.name for setting in settings] for heading, settings in groups().items()}
    assert sorted(name for names in found.values() for name in names) == sorted(SETTINGS)
    corruption = ["noise", "noise_type", "noise_matrix", "labels_file", "labels_key", "decisions", "imbalance"]
    assert found["Corruption"] == corruption
    assert found["Only with --method=gce"] == ["gce_q"]
    assert found["Only with --method=focal or cb_focal"] == ["focal_gamma"]


@pytest.mark.parametrize("word", ["--help", "-help", "-h", "--h", "-?", "--helpshort"])
def test_ways_to_ask(word):
    assert asked_for(["--noise=0.4", word]) == short_help()


def test_what_asks_for_all_and_what_for_none():
    assert asked_for(["--helpfull"]) == asked_for(["--help", "--helpfull"]) == full_help()
    assert asked_for([]) is asked_for(["--noise=0.4"]) is asked_for(["help"]) is None
