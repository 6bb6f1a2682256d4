"""Figures of a run, as whoever measures them declares them; what shows a figure reads all that it knows from here.

Those that every run has are `RUN_FIGURES`; a method declares its own, whose values its model returns.
"""

import dataclasses
import string
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: its column in metrics.jsonl and its entry in summary.json.
        heading: of its column in tables; one of a method without a heading has none where methods are compared.
        format: in tables. ".1%" is a share, shown in percent without the sign; ".2f" a number.
        best: which way is better, and marked in tables; None where neither is.
        tag: in TensorBoard, which groups by what stands before the slash; None for no curve.
        short: its name on the progress line, where there is little room; None leaves it out.
        words: its name in the model card; None leaves it out.
        told: what a run says of it in the end, a label and a text with {figures} of the summary; None for nothing.
        needs_truth: whether it compares given labels with others; its texts have places for what these are called,
            {right} and {wrong}. The model card is silent where none is wrong.
        counted: whether it counts over all of training: an epoch has what it added, the summary the sum.
        promised: whether it has its place in every summary and comparison, filled or not.
        compared: whether TensorBoard compares runs by its last value.
    """

    name: str
    heading: str = ""
    format: str = ".2f"
    best: Literal["up", "down"] | None = None
    tag: str | None = None
    short: str | None = None
    words: str | None = None
    told: tuple[str, str] | None = None
    needs_truth: bool = False
    counted: bool = False
    promised: bool = False
    compared: bool = False

    @property
    def share(self) -> bool:
        """Whether tables show it in percent."""
        return self.format.endswith("%")

    @property
    def digits(self) -> int:
        """Behind the point, in tables."""
        return int(self.format[1:-1])

    def text(self, value: float) -> str:
        """A value in a text: with one digit more than in tables, shares as they are; numbers that count are whole."""
        return f"{value}" if self.counted else f"{value:.{self.digits + 2 * self.share + 1}f}"


class ExampleGrid(NamedTuple):
    """Training examples to be shown side by side.

    Their ids [n], row by row (-1 leaves a place black), `columns` in a row, a text on what they are, and whether the
    names of their given labels follow it.
    """

    ids: np.ndarray
    columns: int
    text: str
    labels_told: bool = False


RUN_FIGURES = (
    Figure("train_loss", tag="train/loss", short="loss"),
    Figure("train_accuracy", format=".1%", tag="train/accuracy"),
    Figure("learning_rate", tag="train/learning_rate"),
    Figure(
        "test_accuracy", heading="test accuracy", format=".1%", best="up", tag="test/accuracy", short="test",
        words="accuracy", promised=True, compared=True,
    ),
    Figure(
        "test_accuracy_ema", format=".1%", best="up", tag="test/accuracy_ema", short="ema", promised=True, compared=True
    ),
    Figure(
        "test_top5", format=".1%", best="up", tag="test/top5", words="label among the five likeliest",
        promised=True,
    ),
    Figure(
        "test_mean_class_accuracy", format=".1%", best="up", tag="test/mean_class_accuracy",
        words="mean accuracy over the classes",
    ),
    Figure(
        "test_accuracy_many", heading="many", format=".1%", best="up", tag="test/accuracy_many",
        words="mean accuracy over classes of more than 100 training examples",
    ),
    Figure(
        "test_accuracy_medium", heading="medium", format=".1%", best="up", tag="test/accuracy_medium",
        words="mean accuracy over classes of 20 to 100",
    ),
    Figure(
        "test_accuracy_few", heading="few", format=".1%", best="up", tag="test/accuracy_few",
        words="mean accuracy over classes of fewer than 20",
    ),
    Figure("measured_noise_rate", format=".1%", needs_truth=True),
    Figure("estimated_noise_rate", format=".1%", compared=True),
    Figure("seconds_per_step", format=".4f", tag="time/seconds_per_step", compared=True),
    Figure("seconds_total", heading="seconds", format=".0f"),
    Figure("seconds", format=".0f"),
    Figure("seconds_evaluation", format=".2f"),
    Figure("detection_f1", needs_truth=True, compared=True),
)  # fmt: skip


def figure_among(figures: Iterable[Figure], name: str) -> Figure:
    """What is known of a figure: its declaration, that of the one it extends, or of a number without a best.

    A name may have more words behind: `test_accuracy_imagenet`, on another test set.
    """
    extended = [figure for figure in figures if f"{name}_".startswith(f"{figure.name}_")]
    nearest = max(extended, key=lambda figure: len(figure.name), default=Figure(name))
    if nearest.name == name:
        return nearest
    return Figure(name, format=nearest.format, best=nearest.best)


def sentence(template: str, values: Mapping[str, Any]) -> str:
    """The template with its {figures} filled in, "-" where one was not measured."""
    return _Measured().vformat(template, (), values)


class _Measured(string.Formatter):
    def get_value(self, key: Any, args: Any, kwargs: Any) -> Any:
        return kwargs.get(key)

    def format_field(self, value: Any, format_spec: str) -> str:
        return "-" if value is None else super().format_field(value, format_spec)
