"""The figures that any run may have: what reads a run's files, without its model, looks them up here by name."""

from ieg_fsr.figures import RUN_FIGURES, Figure, figure_among
from ieg_fsr.methods import REWEIGHTING
from ieg_fsr.methods.reweighting_figures import REWEIGHTING_FIGURES

# Method -> the figures that it adds to those of every run.
METHOD_FIGURES: dict[str, tuple[Figure, ...]] = dict.fromkeys(REWEIGHTING, REWEIGHTING_FIGURES)


def method_figures() -> dict[str, Figure]:
    """Those that methods add, by name."""
    return {figure.name: figure for figures in METHOD_FIGURES.values() for figure in figures}


def figure_of(name: str) -> Figure:
    """What is known of a figure; see `figure_among`."""
    return figure_among([*RUN_FIGURES, *method_figures().values()], name)
