"""The callback that keeps a run from being lost: checkpoints, interruption, and a loss that is not finite."""

import math
import time
from collections.abc import Callable

import keras

from ieg_fsr.training.survival.checkpoints import Checkpoints, NotFiniteError
from ieg_fsr.training.survival.interruption import Interruption

# Training time between two checkpoints is at least this many times what the last one took: 2 % of a run at most.
_LONGEST_SHARE = 50


class Safeguard(keras.callbacks.Callback):
    """After every step: stops at a loss that is not finite or at a signal, and saves when it is time.

    When a checkpoint is made changes nothing in what is computed: any of them leads to the same end. It comes after
    the callbacks that write an epoch's files, which a checkpoint at the end of an epoch presupposes.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        interruption: Interruption,
        epochs: int,
        steps: int | None,
        start_step: int,
        seconds: float,
        agreed: Callable[[bool], bool] = bool,
    ) -> None:
        """Sets up the count.

        Args:
            epochs, steps: of the whole run; of steps None where that shows on the way only.
            start_step: steps made by earlier processes.
            seconds: of training between two checkpoints; 0 saves after every step.
            agreed: whether any of several workers says so; all of them must save, and stop, after the same step.
        """
        super().__init__()
        self.checkpoints, self.interruption = checkpoints, interruption
        self.epochs, self.of_steps = epochs, "" if steps is None else f" of {steps}"
        self.step, self.seconds, self.agreed = start_step, seconds, agreed
        self.cost, self.saved_at = 0.0, time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Notes where the epoch will end."""
        self.last_step = self.step + self.params["steps"]

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """The loss is the mean over the epoch's steps so far: the first one that is not finite shows at once."""
        self.step += 1
        loss = (logs or {})["loss"]
        if not math.isfinite(loss):
            raise NotFiniteError(self.step, f"loss {loss}")
        if self.step < self.last_step:
            self._save_or_stop()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """The same after an epoch; its last checkpoint is what the files at the end of a run are made from."""
        self._save_or_stop(last=epoch + 1 == self.epochs)

    def _save_or_stop(self, last: bool = False) -> None:
        due = time.monotonic() - self.saved_at >= max(self.seconds, _LONGEST_SHARE * self.cost if self.seconds else 0)
        requested = self.agreed(bool(self.interruption.requested))
        if self.agreed(bool(due)) or last or requested:
            started = time.monotonic()
            self.checkpoints.save(self.step)
            self.saved_at = time.monotonic()
            self.cost = self.saved_at - started
        if requested:
            self.interruption.stop(f"after step {self.step}{self.of_steps}")
