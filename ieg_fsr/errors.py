"""The one exception for bad input: the command line prints its message on one line and exits with code 2."""


class UserError(ValueError):
    """Input that the user can correct.

    The message is one line that names the flag or argument, what is allowed and the value received,
    e.g. ``--noise must be in [0, 1]. Received: 1.4``.
    """
