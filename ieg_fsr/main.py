"""Command line: flags -> config -> train or evaluate. `python -m ieg_fsr.main --help` lists the flags."""

import sys

from absl import app, flags, logging

from ieg_fsr import command_line
from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.mode import evaluate
from ieg_fsr.training.run import train

MODES = {"train": train, "evaluate": evaluate}
BAD_INPUT = 2

# Keras and TensorFlow report each save at the level of information; --verbosity=0 shows it.
logging.set_verbosity(logging.WARNING)
command_line.define_flags()
flags.adopt_module_key_flags(command_line)


def main(argv: list[str]) -> int | None:
    """Runs the mode that the flags ask for. Bad input: one line on stderr and exit code 2."""
    del argv
    try:
        config = command_line.config_from_flags()
        MODES[config.mode](config)
    except UserError as error:
        return _complain(error)
    return None


def run() -> None:
    """Entry point of the console command `ieg-fsr`."""
    app.run(main, flags_parser=_parse_or_exit)


def _parse_or_exit(argv: list[str]) -> list[str]:
    try:
        return command_line.parse_flags(argv)
    except UserError as error:
        sys.exit(_complain(error))
    except SystemExit:
        # absl has printed the help that was asked for, and calls that a failure.
        sys.exit(0)


def _complain(error: UserError) -> int:
    print(f"ieg_fsr: {error}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    run()
