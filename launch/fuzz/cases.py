"""What a case of the fuzz campaign is: a command line, prepared files, and what must come of it."""

import dataclasses
from typing import Any

import numpy as np

# What must come of a case: an error named in one line, a finished run, or either.
REFUSED, FINISHED, EITHER = "refused", "finished", "either"


@dataclasses.dataclass(frozen=True)
class Case:
    """One trial.

    Attributes:
        kind: flags or inputs.
        number: with the seed of the campaign, all that its random choices depend on.
        words: of the command line, behind the program.
        expected: REFUSED, FINISHED or EITHER.
        about: what was done, for the report.
        names: texts one of which a line of refusal must hold; none: the name of a flag that was given.
        program: the module that is run.
    """

    kind: str
    number: int
    words: tuple[str, ...]
    expected: str
    about: str
    names: tuple[str, ...] = ()
    program: str = "ieg_fsr.main"


def generator(seed: int, kind: str, number: int) -> np.random.Generator:
    """Random numbers of one case; no other case has them, and none before it changes them."""
    return np.random.default_rng([seed, sum(kind.encode()), number])


def pick(rng: np.random.Generator, values: Any) -> Any:
    """One of some values, as it is (NumPy's own choice would convert it)."""
    return values[int(rng.integers(len(values)))]
