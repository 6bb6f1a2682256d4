"""Tests of `ieg_fsr.errors`: whatever a message holds, a terminal shows one line of it."""

import pytest

from ieg_fsr.errors import UserError, one_line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("--noise must be in [0, 1]. Received: 1.4", "--noise must be in [0, 1]. Received: 1.4"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("läuft 走る", "läuft 走る"),
        ("\udcff", r"\udcff"),
        ("a\u2028b\u202ec", r"a\u2028b\u202ec"),
    ],
)
def test_control_codes_are_shown_and_not_sent(message, line):
    assert one_line(UserError(message)) == line


def test_a_long_line_loses_its_middle():
    line = one_line("--seed " + "9" * 10_000 + " end")
    assert len(line) < 1100
    assert line.startswith("--seed 999")
    assert line.endswith("999 end")
