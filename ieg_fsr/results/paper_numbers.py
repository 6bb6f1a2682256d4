"""The figures of the paper (Zhang & Pfister, ICCV 2021): test accuracy in %, last iteration, unless a name says more.

A table of the paper is one `PaperTable` here, with the rows of the paper and the variant of ours that each stands
beside. None: the paper has no figure.
"""

from typing import NamedTuple

from ieg_fsr.results.identity import Condition

Numbers = tuple[float | None, ...]


class PaperColumn(NamedTuple):
    """A column.

    Attributes:
        title: above it.
        condition: of our runs.
        figure: of our runs; empty for the metric that is asked for.
        recipe_imbalance: our runs are to follow the recipe for this imbalance, which the condition's is not; or None.
    """

    title: str
    condition: Condition
    figure: str = ""
    recipe_imbalance: float | None = None


class PaperTable(NamedTuple):
    """A table.

    Attributes:
        name: of its files.
        title: what it holds.
        dataset: name on the command line.
        columns: what is measured.
        rows: figures by the paper's name of the method.
        ours: our variant by the paper's name of the method, where there is one.
    """

    name: str
    title: str
    dataset: str
    columns: tuple[PaperColumn, ...]
    rows: dict[str, Numbers]
    ours: dict[str, str]


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


_NOISE_ROWS = {
    "GCE": "GCE",
    "L2R": "L2R",
    "L2R-R32": "L2R, resnet32",
    "MWN": "MWN",
    "ELR": "ELR",
    "F-correction": "forward correction",
    "Co-teaching": "Co-teaching",
    "FSR-R32": "FSR, resnet32",
    "FSR": "FSR",
}
_LONG_TAIL_ROWS = {
    "Softmax": "supervised",
    "CB-Focal": "class-balanced focal",
    "L2R": "L2R",
    "MWN": "MWN",
    "FSR-DF": "FSR, deferred",
    "FSR": "FSR",
}

CIFAR10_UNIFORM = PaperTable(
    "cifar10_uniform",
    "CIFAR-10, uniform label noise",
    "cifar10",
    _noise("uniform", 0, 0.2, 0.4, 0.8),
    {
        "GCE": (93.5, 89.9, 87.1, 67.9),
        "RoG": (94.2, 87.4, 81.8, None),
        "MentorNet": (96.0, 92.0, 89.0, 49.0),
        "L2R": (96.1, 90.0, 86.9, 73.0),
        "MWN": (92.0, 90.3, 87.5, None),
        "CRUST": (94.4, 91.1, 89.2, 58.3),
        "ELR": (94.5, 92.1, 91.4, 80.7),
        "FSR-R32": (94.4, 91.8, 90.2, 74.2),
        "FSR": (96.8, 95.1, 93.7, 82.8),
    },
    _NOISE_ROWS,
)

CIFAR100_UNIFORM = PaperTable(
    "cifar100_uniform",
    "CIFAR-100, uniform label noise",
    "cifar100",
    _noise("uniform", 0, 0.2, 0.4, 0.8),
    {
        "GCE": (81.4, 66.8, 61.8, 47.7),
        "MentorNet": (79.0, 73.0, 68.0, 35.0),
        "L2R": (81.2, 67.1, 61.3, 35.1),
        "MWN": (70.1, 64.2, 58.6, None),
        "PENCIL": (81.4, 73.9, 69.1, None),
        "ELR": (75.2, 74.7, 68.4, 30.2),
        "FSR-R32": (71.3, 69.8, 65.9, 41.2),
        "FSR": (81.6, 78.7, 74.2, 46.7),
    },
    _NOISE_ROWS,
)

CIFAR10_ASYMMETRIC = PaperTable(
    "cifar10_asymmetric",
    "CIFAR-10, asymmetric label noise",
    "cifar10",
    _noise("asymmetric", 0.2, 0.4),
    {
        "GCE": (89.5, 82.3),
        "F-correction": (89.1, 83.6),
        "PENCIL": (92.4, 91.2),
        "L2R-R32": (89.2, 84.8),
        "L2R": (92.4, 90.8),
        "FSR-R32": (91.5, 90.2),
        "FSR": (95.0, 93.6),
    },
    _NOISE_ROWS,
)

# The test set of our runs is WebVision's; ImageNet's has figures of its own.
WEBVISION = PaperTable(
    "webvision",
    "WebVision, 50 classes, tested on ImageNet and on WebVision",
    "webvision_mini",
    (
        PaperColumn("ImageNet top 1", Condition(), "test_accuracy_imagenet"),
        PaperColumn("ImageNet top 5", Condition(), "test_top5_imagenet"),
        PaperColumn("WebVision top 1", Condition()),
        PaperColumn("WebVision top 5", Condition(), "test_top5"),
    ),
    {
        "F-correction": (57.4, 82.4, 61.1, 82.7),
        "D2L": (57.8, 81.4, 62.7, 84.0),
        "Co-teaching": (61.5, 84.7, 63.6, 85.2),
        "Iterative-CV": (61.6, 85.0, 65.2, 85.3),
        "MentorNet": (63.8, 85.8, 63.0, 81.4),
        "CRUST": (67.4, 87.8, 72.4, 89.6),
        "FSR": (72.3, 87.2, 74.9, 88.2),
    },
    _NOISE_ROWS,
)

CIFAR10_LONG_TAIL = PaperTable(
    "cifar10_long_tail",
    "CIFAR-10, long tail",
    "cifar10",
    _long_tail(0, 200, 50, 10),
    {
        "Softmax": (65.68, 74.81, 86.39),
        "CB-Focal": (65.29, 76.71, 86.66),
        "CB-Best": (68.89, 79.27, 87.49),
        "L2R": (66.51, 78.93, 85.19),
        "MWN": (68.91, 80.06, 87.84),
        "FSR-DF": (66.15, 79.78, 88.15),
        "FSR": (67.76, 79.17, 87.40),
    },
    _LONG_TAIL_ROWS,
)

CIFAR100_LONG_TAIL = PaperTable(
    "cifar100_long_tail",
    "CIFAR-100, long tail",
    "cifar100",
    _long_tail(0, 200, 50, 10),
    {
        "Softmax": (34.84, 43.85, 55.71),
        "CB-Focal": (32.62, 44.32, 55.78),
        "CB-Best": (36.23, 45.32, 57.99),
        "L2R": (33.38, 44.44, 53.73),
        "MWN": (37.91, 46.74, 58.46),
        "FSR-DF": (36.74, 44.43, 55.60),
        "FSR": (35.44, 42.57, 55.45),
    },
    _LONG_TAIL_ROWS,
)

CIFAR10_LONG_TAIL_UNIFORM = PaperTable(
    "cifar10_long_tail_uniform",
    "CIFAR-10, long tail and uniform label noise",
    "cifar10",
    (*_long_tail_or_even(0.2, 10, 50, 200), *_long_tail_or_even(0.4, 10, 50, 200)),
    {
        "CRUST": (90.2, 65.7, 41.5, 34.3, 89.2, 59.5, 32.4, 28.8),
        "FSR": (91.8, 85.7, 77.4, 65.5, 90.2, 81.6, 69.8, 49.5),
    },
    {"FSR": "FSR"},
)

INATURALIST2018 = PaperTable(
    "inaturalist2018",
    "iNaturalist 2018",
    "inaturalist2018",
    (PaperColumn("top 1", Condition()), PaperColumn("top 5", Condition(), "test_top5")),
    {"CB-Focal": (61.12, 81.0), "Remix": (61.31, 82.30), "FSR": (65.52, 85.02)},
    _LONG_TAIL_ROWS,
)

PAPER_TABLES = (
    *(CIFAR10_UNIFORM, CIFAR100_UNIFORM, CIFAR10_ASYMMETRIC, WEBVISION),
    *(CIFAR10_LONG_TAIL, CIFAR100_LONG_TAIL, CIFAR10_LONG_TAIL_UNIFORM, INATURALIST2018),
)

# CIFAR-10, 20 % uniform noise: (re-labelling, MixUp) -> accuracy, purity of the dictionary, share of zero weights.
MIXUP_RELABELLING_DATA = ("cifar10", Condition(noise=0.2))
MIXUP_RELABELLING = {
    (True, True): (91.4, 97.1, 33.7),
    (True, False): (87.7, 80.0, 51.3),
    (False, True): (90.1, 90.6, 44.4),
    (False, False): (86.3, 77.6, 55.1),
}
