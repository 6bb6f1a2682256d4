"""What ends a command with one line: each has an exit code of its own, and the command line prints its message."""

_LONGEST = 1000  # characters of a line


class UserError(ValueError):
    """Input that the user can correct.

    The message is one line that names the flag or argument, what is allowed and the value received,
    e.g. ``--noise must be in [0, 1]. Received: 1.4``.
    """

    exit_code = 2


def refusal(subject: str, rule: str, received: object) -> UserError:
    """The error about a flag or an argument that is not as it must be."""
    return UserError(f"{subject} must {rule}. Received: {received}")


def one_line(error: object) -> str:
    """An error as the line that a terminal shows: names of files and values may hold line ends and control codes."""
    text = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(error)
    )
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"


class RunError(UserError):
    """A run that had begun and cannot go on: training diverged, the disk is full, data have gone.

    The message is one line that says why, and what is left.
    """

    exit_code = 1


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM. The message is one line that says how to go on."""

    exit_code = 3
