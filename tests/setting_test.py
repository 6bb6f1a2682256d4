"""Tests of `ieg_fsr.setting`: values of flags and of arguments, and the settings of a run together."""

import numpy as np
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.rules import at_least, below_one, one_of
from ieg_fsr.setting import Config, Setting

SHARE = Setting("share", 0.1, below_one(), "of something")
UNITS = Setting("net_units", 100, at_least(1), "of a layer", argument="units")
KIND = Setting("kind", None, one_of("a", "b"), "of something", kind=str)
EPOCHS = Setting("at", (), at_least(0), "epochs")


def test_arguments_are_of_the_type_and_in_the_range():
    for value in (0, 0.5, np.float32(0.5), np.int64(0), False):
        SHARE.check_argument(value)
    for value in (1, np.int64(7)):
        UNITS.check_argument(value)
    KIND.check_argument("a")
    for setting, value, message in [
        (SHARE, 1.0, r"share must be a number in \[0, 1\)\. Received: 1\.0"),
        (SHARE, "0.5", r"share must be a number in \[0, 1\)\. Received: 0\.5"),
        (SHARE, None, r"share must be a number in \[0, 1\)\. Received: None"),
        (UNITS, 2.5, r"units must be a whole number at least 1\. Received: 2\.5"),
        (KIND, "c", r"kind must be one of a, b\. Received: c"),
        (KIND, ["a"], r"kind must be one of a, b\. Received: \['a'\]"),
    ]:
        with pytest.raises(UserError, match=f"^{message}$"):
            setting.check_argument(value)


@pytest.mark.parametrize(("setting", "value", "limit"), [(UNITS, 2**31, "2147483647")])
def test_a_number_that_no_tensor_holds_is_refused(setting, value, limit):
    with pytest.raises(UserError, match=f"^units must be at most {limit}. Received: {value}$"):
        setting.check_argument(value)
    with pytest.raises(UserError, match=f"^--net_units must be at most {limit}. Received: {value}$"):
        setting.check(value)
    setting.check_argument(value - 1)


def test_text_becomes_a_value_of_the_type():
    assert [SHARE.parse("1"), UNITS.parse("3"), KIND.parse("a"), EPOCHS.parse("1,2,"), EPOCHS.parse("")] == [
        *(1.0, 3, "a", (1, 2), ())
    ]
    assert SHARE.parse(0.3) == 0.3
    with pytest.raises(ValueError, match="could not convert"):
        SHARE.parse("much")


def test_settings_of_a_run_are_a_mapping_that_does_not_change():
    config = Config({"share": 0.1, "kind": None}, frozenset({"share"}))
    assert (config.share, config["kind"], config.given, dict(config)) == (
        *(0.1, None, {"share"}, {"share": 0.1, "kind": None}),
    )
    other = config.replace(kind="a")
    assert (other.kind, other.given, config.kind) == ("a", {"share"}, None)
    assert other != config == Config(dict(config))
    with pytest.raises(AttributeError, match="units is no setting of this run"):
        print(config.units)
    with pytest.raises(AttributeError, match="do not change"):
        config.share = 0.2
