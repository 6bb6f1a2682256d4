"""Command lines beside `ieg_fsr.main`: what is common to them."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from ieg_fsr.errors import UserError, one_line


class Parser(argparse.ArgumentParser):
    """A parser that keeps the line ends of its epilog, takes names in full only, and complains by a `UserError`."""

    def __init__(self, prog: str, description: str, epilog: str) -> None:
        """Args: prog, description, epilog: see `argparse.ArgumentParser`."""
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(prog, None, description, epilog, formatter_class=formatter, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raises: UserError: always."""
        raise UserError(message)


def exit_code_of(work: Callable[[], None]) -> int:
    """Does the work; 0, or after one line on stderr the code of the `UserError` that ended it."""
    try:
        work()
    except UserError as error:
        print(f"ieg_fsr: {one_line(error)}", file=sys.stderr)
        return error.exit_code
    return 0
