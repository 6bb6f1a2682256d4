"""Checkpoints of a run after any of its steps: everything that decides how training goes on, bit for bit.

Beside the state they hold `position`, the numbers of `Position`; `plan`, the stages with their epochs; and within an
epoch that visits a part of the examples `visits/ids` and `visits/factors`.
"""

import pathlib
import sys
from collections.abc import Iterator

import numpy as np

from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.course import variables_of
from ieg_fsr.methods.models.stages import Plan, Position, Visits
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.training.survival import snapshot
from ieg_fsr.training.survival.snapshot import DamagedError, find_snapshots

_POSITION, _PLAN, _IDS, _FACTORS = _PLACE = ("position", "plan", "visits/ids", "visits/factors")
_UNPLANNED = str(Plan((), 0))
# These are NaN for an example that was not trained on yet.
_MAY_BE_NAN = ("last_losses",)


class NotFiniteError(ArithmeticError):
    """The loss or the state after a step, counted from 1, is not finite: `what` names a tensor."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(f"{what} at step {step}")
        self.step, self.what = step, what


class Checkpoints:
    """Saves and restores a compiled method: what its `checkpoint_parts` name, and where its `course` stands."""

    def __init__(self, directory: str | pathlib.Path, model: Supervised, keep: int = 2) -> None:
        """Args: directory: made at the first save. model: compiled. keep: checkpoints kept."""
        model.create_variables()
        self.directory, self.keep = pathlib.Path(directory), keep
        self._course = model.course
        self._variables = {
            f"{part}/{number}": variable
            for part, owner in model.checkpoint_parts().items()
            for number, variable in enumerate(variables_of(owner))
        }

    def save(self, step: int) -> None:
        """Saves the state after `step` steps, then removes what is older than the kept ones; see `NotFiniteError`."""
        snapshot.write_snapshot(self.directory, step, self._arrays(step))
        snapshot.remove_all_but(self.directory, step, self.keep)

    def newest_step(self) -> int | None:
        """Step of the newest checkpoint, be it whole or not; None without any."""
        return next((step for step, _ in find_snapshots(self.directory)), None)

    def restore(self) -> int:
        """Restores the newest whole checkpoint; returns its step, 0 without one. UserError: it is of another plan."""
        paths = [path for _, path in find_snapshots(self.directory)]
        following = [f"going on from {path.name}" for path in paths[1:]] + ["none is left: starting from the beginning"]
        for path, then in zip(paths, following, strict=False):
            try:
                return self._assign(snapshot.read_snapshot(path), path)
            except DamagedError as error:
                print(f"ieg_fsr: warning: checkpoint {path} is damaged ({error}); {then}", file=sys.stderr)
        return 0

    def _arrays(self, step: int) -> Iterator[tuple[str, np.ndarray]]:
        course = self._course
        position = course.position.at_step(step)
        yield _POSITION, np.asarray(position, np.int64)
        yield _PLAN, np.asarray([str(course.plan)])
        if course.visits is not None and position.step and course.visits[0] == position.epoch:
            ids, factors = course.visits[1]
            yield _IDS, ids
            if factors is not None:
                yield _FACTORS, factors
        for name, variable in self._variables.items():
            array = variable.numpy()
            floating = array.dtype.kind == "f" and not name.startswith(_MAY_BE_NAN)
            if floating and not np.isfinite(array).all():
                raise NotFiniteError(step, getattr(variable, "path", variable.name))
            yield name, array

    def _assign(self, arrays: dict[str, np.ndarray], path: pathlib.Path) -> int:
        if not {_POSITION, _PLAN} <= arrays.keys() or _kind(arrays[_POSITION]) != _kind(np.zeros(4, np.int64)):
            raise DamagedError("it does not say how far training had come")
        course, earlier = self._course, " ".join(map(str, arrays[_PLAN].flat))
        if course.plan.stages and earlier not in (_UNPLANNED, str(course.plan)):
            raise UserError(f"checkpoint must be of the stages {course.plan}. Received: {path} of {earlier}")
        kinds = {name: _kind(variable.numpy()) for name, variable in self._variables.items()}
        if {name: _kind(array) for name, array in arrays.items() if name not in _PLACE} != kinds:
            raise DamagedError("its arrays are not those of this method")
        for name, variable in self._variables.items():
            variable.assign(arrays[name])
        course.position = Position(*arrays[_POSITION].tolist())
        visits = Visits(arrays[_IDS], arrays.get(_FACTORS)) if _IDS in arrays else None
        course.visits = None if visits is None else (course.position.epoch, visits)
        return course.position.total


def _kind(array: np.ndarray) -> tuple[str, tuple[int, ...]]:
    return array.dtype.str, array.shape
