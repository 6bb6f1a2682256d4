"""One line that tells how the run is going: epoch, the figures that have a place on it, time left."""

import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from ieg_fsr.figures import RUN_FIGURES, Figure

_BAR_CELLS = 20
_SECONDS_BETWEEN_REDRAWS = 0.2
_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """On a terminal a bar that is redrawn in place; elsewhere a line every ten seconds and one for the last epoch."""

    def __init__(
        self,
        epochs: int,
        steps_per_epoch: int,
        start_epoch: float = 0,
        stream: TextIO | None = None,
        figures: Sequence[Figure] = RUN_FIGURES,
    ) -> None:
        """Sets up the line for a run of so many epochs, on standard output.

        Args: start_epoch: epochs already done, by earlier processes. figures: shown are those with a short name.
        """
        self.epochs, self.steps_per_epoch, self.start_epoch = epochs, steps_per_epoch, start_epoch
        self.figures = figures
        self.stream = stream or sys.stdout
        self.in_place = self.stream.isatty()
        self.started = self.shown = time.monotonic()
        self.measured = self.stage = ""
        self.drawn = 0  # letters of the line that is redrawn

    def step(self, epoch: int, step: int) -> None:
        """After a step; `epoch` and `step` count from 0."""
        if self.in_place and time.monotonic() - self.shown >= _SECONDS_BETWEEN_REDRAWS:
            self._show(epoch + (step + 1) / self.steps_per_epoch)

    def epoch(self, epoch: int, row: dict[str, Any]) -> None:
        """After an epoch. Args: row: its metrics."""
        self.measured = measured(self.figures, row)
        last = epoch + 1 == self.epochs
        if self.in_place or last or time.monotonic() - self.shown >= _SECONDS_BETWEEN_LINES:
            self._show(epoch + 1)

    def leave(self) -> None:
        """After the last epoch, or where training ends before it: what follows has a line of its own."""
        if self.in_place and self.shown > self.started:
            self.stream.write("\n")
            self.stream.flush()

    def _show(self, epochs_done: float) -> None:
        self.shown = time.monotonic()
        share_done = epochs_done / self.epochs
        made = epochs_done - self.start_epoch
        left = (self.shown - self.started) / made * (self.epochs - epochs_done)
        cells = int(share_done * _BAR_CELLS)
        bar = "=" * cells + "." * (_BAR_CELLS - cells)
        stage = f" {self.stage}" if self.stage else ""
        line = f"epoch {int(epochs_done)}/{self.epochs}{stage} [{bar}] {self.measured} left {clock(left)}"
        if self.in_place:
            room = shutil.get_terminal_size().columns - 1
            if len(line) > room:  # in two rows it could not be redrawn in place
                line = f"epoch {int(epochs_done)}/{self.epochs}{stage} left {clock(left)} {self.measured}"[:room]
            # Blanks for what shows terminals' output and knows no control codes, as notebooks do.
            self.stream.write(f"\r\x1b[2K{line:<{self.drawn}}")
            self.drawn = len(line)
        else:
            self.stream.write(line + "\n")
        self.stream.flush()


def measured(figures: Sequence[Figure], row: dict[str, Any]) -> str:
    """The few numbers of an epoch's metrics that fit on the line."""
    shown = (figure for figure in figures if figure.short and row.get(figure.name) is not None)
    return " ".join(f"{figure.short} {row[figure.name]:.3f}" for figure in shown)


def clock(seconds: float) -> str:
    """1:02:03 or 2:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
