"""The figures of the paper (Zhang & Pfister, ICCV 2021): test accuracy in %, last iteration, unless a name says more.

paper_numbers.csv has those of its tables, a line a method: table, the paper's name of the method, a figure for each
column, empty where the paper has none. What the columns are stands here.
"""

import csv
import importlib.resources
from typing import NamedTuple

from ieg_fsr.results.identity import Condition

Numbers = tuple[float | None, ...]


class PaperColumn(NamedTuple):
    """A column."""

    title: str  # above it
    condition: Condition  # of our runs
    figure: str = ""  # of our runs; empty for the metric that is asked for
    recipe_imbalance: float | None = None  # whose recipe our runs are to follow, where it is not the condition's


class PaperTable(NamedTuple):
    """A table. Attributes: name: of its files. title: what it holds. dataset: name on the command line."""

    name: str
    title: str
    dataset: str
    columns: tuple[PaperColumn, ...]

    @property
    def rows(self) -> dict[str, Numbers]:
        """Figures by the paper's name of the method."""
        text = importlib.resources.files("ieg_fsr.results").joinpath("paper_numbers.csv").read_text(encoding="utf-8")
        return {
            method: tuple(float(figure) if figure else None for figure in figures)
            for table, method, *figures in csv.reader(text.splitlines())
            if table == self.name
        }


def _noise(noise_type: str, *values: float) -> tuple[PaperColumn, ...]:
    conditions = [Condition(noise_type=noise_type if value else "uniform", noise=value) for value in values]
    return tuple(PaperColumn(condition.title, condition) for condition in conditions)


def _long_tail(noise: float, *values: float) -> tuple[PaperColumn, ...]:
    conditions = [Condition(imbalance=float(value), noise=noise) for value in values]
    return tuple(PaperColumn(condition.title, condition) for condition in conditions)


def _long_tail_or_even(noise: float, *values: float) -> tuple[PaperColumn, ...]:
    """Even classes first, the paper's imbalance 0, with the settings of the long tails beside them."""
    [even] = _noise("uniform", noise)
    return (even._replace(title=f"even, {even.title}", recipe_imbalance=values[0]), *_long_tail(noise, *values))


# The test set of our runs on WebVision is its own; ImageNet's has figures of its own.
_WEBVISION = (
    PaperColumn("ImageNet top 1", Condition(doubtful=True), "test_accuracy_imagenet"),
    PaperColumn("ImageNet top 5", Condition(doubtful=True), "test_top5_imagenet"),
    PaperColumn("WebVision top 1", Condition(doubtful=True)),
    PaperColumn("WebVision top 5", Condition(doubtful=True), "test_top5"),
)
_INATURALIST = (PaperColumn("top 1", Condition()), PaperColumn("top 5", Condition(), "test_top5"))
_BOTH = (*_long_tail_or_even(0.2, 10, 50, 200), *_long_tail_or_even(0.4, 10, 50, 200))
PAPER_TABLES = (
    PaperTable("cifar10_uniform", "CIFAR-10, uniform label noise", "cifar10", _noise("uniform", 0, 0.2, 0.4, 0.8)),
    PaperTable("cifar100_uniform", "CIFAR-100, uniform label noise", "cifar100", _noise("uniform", 0, 0.2, 0.4, 0.8)),
    PaperTable("cifar10_asymmetric", "CIFAR-10, asymmetric label noise", "cifar10", _noise("asymmetric", 0.2, 0.4)),
    PaperTable("webvision", "WebVision, 50 classes, tested on ImageNet and on WebVision", "webvision_mini", _WEBVISION),
    PaperTable("cifar10_long_tail", "CIFAR-10, long tail", "cifar10", _long_tail(0, 200, 50, 10)),
    PaperTable("cifar100_long_tail", "CIFAR-100, long tail", "cifar100", _long_tail(0, 200, 50, 10)),
    PaperTable("cifar10_long_tail_uniform", "CIFAR-10, long tail and uniform label noise", "cifar10", _BOTH),
    PaperTable("inaturalist2018", "iNaturalist 2018", "inaturalist2018", _INATURALIST),
)
# Our variant by the paper's name of the method, where there is one.
OURS = {
    **{
        name: name
        for name in ("GCE", "L2R", "MWN", "ELR", "FSR", "Co-teaching", "PENCIL", "D2L", "CRUST", "Remix", "RoG")
    },
    **{"L2R-R32": "L2R, resnet32", "FSR-R32": "FSR, resnet32", "FSR-DF": "FSR, deferred"},
    **{"F-correction": "forward correction", "Softmax": "supervised", "CB-Focal": "class-balanced focal"},
    "MentorNet": "MentorNet, mentor learned",
    "Iterative-CV": "INCV",
}

# CIFAR-10, 20 % uniform noise: (re-labelling, MixUp) -> accuracy, purity of the dictionary, share of zero weights.
MIXUP_RELABELLING_DATA = ("cifar10", Condition(noise=0.2))
MIXUP_RELABELLING = {
    (True, True): (91.4, 97.1, 33.7),
    (True, False): (87.7, 80.0, 51.3),
    (False, True): (90.1, 90.6, 44.4),
    (False, False): (86.3, 77.6, 55.1),
}
