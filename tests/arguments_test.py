"""What the small command lines have in common."""

import pytest

from ieg_fsr.arguments import Parser, exit_code_of
from ieg_fsr.errors import RunError, UserError


def raising(error):
    raise error


@pytest.mark.parametrize(
    ("work", "code", "line"),
    [
        (lambda: None, 0, ""),
        (lambda: raising(UserError("--a must be b.\nReceived: c")), 2, "ieg_fsr: --a must be b.\\nReceived: c\n"),
        (lambda: raising(RunError("disk full")), 1, "ieg_fsr: disk full\n"),
    ],
)
def test_bad_ends_are_one_line_and_a_code(capsys, work, code, line):
    assert exit_code_of(work) == code
    assert capsys.readouterr() == ("", line)


def test_names_are_taken_in_full_only_and_the_epilog_as_it_is(capsys):
    parser = Parser("name", "What it does.", "  first\n  second")
    parser.add_argument("--output")
    assert parser.parse_args(["--output=a"]).output == "a"
    with pytest.raises(UserError, match="unrecognized arguments: --out=a"):
        parser.parse_args(["--out=a"])
    assert parser.format_help().endswith("\n  first\n  second\n")
