"""A training as a list of stages: how long each takes, what it visits, at which rates, and whether it starts anew."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

from ieg_fsr.errors import UserError


class Visits(NamedTuple):
    """What an epoch visits.

    Attributes:
        ids: [M], distinct example ids.
        factors: [M], by which the loss of each is multiplied; None multiplies none.
    """

    ids: np.ndarray
    factors: np.ndarray | None = None


@dataclass(frozen=True)
class Stage:
    """A part of a training.

    Attributes:
        name: shown beside the epochs; no other stage of the training has it.
        epochs: it takes; one of 0 epochs is left out.
        schedule: its learning rates, over its own steps; None: the optimizer's own, over all steps since it was new,
            where an epoch that visits a part counts as one that visits all.
        visits: from the model and the epoch's number, counted from 0 over all stages, to the examples of that epoch;
            None visits all. For a run to be resumed exactly they must follow from seed, epoch and the tables that
            checkpoints hold.
        fresh: whether parameters and optimizer begin once more with their first values. Tables stay.
        begin: called with the model when the stage begins, before anything starts anew.
    """

    name: str
    epochs: int
    schedule: keras.optimizers.schedules.LearningRateSchedule | None = None
    visits: Callable[[Any, int], Visits] | None = None
    fresh: bool = False
    begin: Callable[[Any], None] | None = None


class Position(NamedTuple):
    """Where a training stands."""

    stage: int = 0  # its number
    epoch: int = 0  # over all stages
    step: int = 0  # steps made in that epoch
    total: int = 0  # steps made in all

    def at_step(self, total: int) -> "Position":
        """The position in the same epoch after `total` steps in all."""
        return self._replace(step=self.step + total - self.total, total=total)


class Segment(NamedTuple):
    """Epochs that Keras trains in one go."""

    number: int  # of the stage
    stage: Stage
    start: int  # first epoch
    stop: int  # the epoch after the last one
    first_step: int  # of the first epoch
    begins: bool  # whether the stage begins with them


class Plan:
    """The stages of a training, in their order, those of 0 epochs among them; `epochs` are all that they take."""

    def __init__(self, stages: Sequence[Stage], epochs: int) -> None:
        """Raises UserError if the stages take another number of epochs in all, or two have one name."""
        self.stages, self.epochs, self.several = tuple(stages), epochs, len(stages) > 1
        # Whether any chooses what it visits: then the steps of a run are not known ahead.
        self.partial = any(stage.visits for stage in stages)
        # Whether the optimizer's own schedule meets epochs of other numbers of steps.
        self.uneven = any(stage.visits and not stage.schedule for stage in stages)
        names = [stage.name for stage in stages]
        if len(set(names)) < len(names):
            raise UserError(f"stages must have names of their own. Received: {', '.join(names)}")
        if sum(stage.epochs for stage in stages) != epochs or any(stage.epochs < 0 for stage in stages):
            raise UserError(f"stages must take {epochs} epochs in all. Received: {self}")

    def __str__(self) -> str:
        return ", ".join(f"{stage.name} {stage.epochs}" for stage in self.stages) or "none"

    def refuse_without_examples(self, data: Any) -> None:
        """Raises UserError for training data of Keras' own kinds where stages need more than to be gone through."""
        if self.several or any(stage != Stage(stage.name, stage.epochs) for stage in self.stages):
            raise UserError(
                f"fit must be given ieg_fsr.examples(x, y) for stages ({self}). Received: {type(data).__name__}"
            )

    def stage_at(self, epoch: int) -> int:
        """Number of the stage that an epoch belongs to; of the last one after the end."""
        ends = np.cumsum([stage.epochs for stage in self.stages])
        return min(int(np.searchsorted(ends, epoch, side="right")), len(ends) - 1)

    def segments(self, start: int, first_step: int, stop: int) -> Iterator[Segment]:
        """From step `first_step` of epoch `start` up to epoch `stop`, as far as one set of batches goes each time."""
        first = 0
        for number, stage in enumerate(self.stages):
            epoch, end = max(first, start), min(first + stage.epochs, stop)
            while epoch < end:
                step = first_step if epoch == start else 0
                following = epoch + 1 if stage.visits or step else end
                yield Segment(number, stage, epoch, following, step, epoch == first and not step)
                epoch = following
            first += stage.epochs


def checked_visits(visits: Visits, stage: Stage, epoch: int, num_examples: int) -> Visits:
    """Visits as arrays, int32 and float32, if they are some, of distinct examples, and their factors go with them."""
    place = f"in epoch {epoch + 1} of stage '{stage.name}'"
    ids = np.asarray(visits.ids)
    if ids.size == 0:
        raise UserError(f"visits must hold at least one example. Received: none {place}")
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= num_examples:
        raise UserError(
            f"visits must be example ids [M], integers in 0..{num_examples - 1}. "
            f"Received: {ids.dtype} {list(ids.shape)} from {ids.min()} to {ids.max()} {place}"
        )
    if len(np.unique(ids)) < len(ids):
        raise UserError(f"visits must hold an example once at most. Received: {len(ids)} ids, some equal, {place}")
    if visits.factors is None:
        return Visits(ids.astype(np.int32))
    factors = np.asarray(visits.factors, np.float32)
    if factors.shape != ids.shape or not np.isfinite(factors).all():
        raise UserError(
            f"factors of visits must be finite, one for each of the {len(ids)} ids. "
            f"Received: {list(factors.shape)}, {np.sum(~np.isfinite(factors))} not finite, {place}"
        )
    return Visits(ids.astype(np.int32), factors)
