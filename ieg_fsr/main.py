"""Command line: flags -> config -> train, evaluate or audit. `python -m ieg_fsr.main --help` shows how."""

import sys

try:
    from absl import app, logging

    from ieg_fsr.audit.mode import audit
    from ieg_fsr.configuration import flags as command_line
    from ieg_fsr.configuration import help_text
    from ieg_fsr.errors import Interrupted, UserError, one_line
    from ieg_fsr.evaluation.mode import evaluate
    from ieg_fsr.terminal import make_streams_patient
    from ieg_fsr.training.run import train

    # Keras and TensorFlow report each save at the level of information; --verbosity=0 shows it.
    logging.set_verbosity(logging.WARNING)
    command_line.define_flags()
except KeyboardInterrupt:  # while the command is loaded
    print("ieg_fsr: interrupted", file=sys.stderr)
    sys.exit(3)

MODES = {"train": train, "evaluate": evaluate, "audit": audit}


def main(argv: list[str]) -> int | None:
    """Runs the mode that the flags ask for.

    What ends it early is one line on stderr and an exit code: 2 for bad input, 1 for a run that cannot go on, 3 for
    Ctrl-C and SIGTERM.
    """
    del argv
    try:
        config = command_line.config_from_flags()
        MODES[config.mode](config)
    except UserError as error:
        return _complain(error, error.exit_code)
    except KeyboardInterrupt as error:
        return _complain(str(error) or "interrupted", Interrupted.exit_code)
    return None


def run() -> None:
    """Entry point of the console command `ieg-fsr`."""
    make_streams_patient()
    try:
        app.run(main, flags_parser=_parse_or_exit)
    except KeyboardInterrupt:  # while the flags are parsed
        sys.exit(_complain("interrupted", Interrupted.exit_code))


def _parse_or_exit(argv: list[str]) -> list[str]:
    if help_asked_for := help_text.asked_for(argv[1:]):
        print(help_asked_for)
        sys.exit(0)
    try:
        return command_line.parse_flags(argv)
    except UserError as error:
        sys.exit(_complain(error, error.exit_code))
    except SystemExit:
        # absl has printed what one of its other flags of help asks for, and calls that a failure.
        sys.exit(0)


def _complain(error: UserError | str, exit_code: int) -> int:
    print(f"ieg_fsr: {one_line(error)}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    run()
