"""What methods that learn a weight for every example let be seen of it, by epoch. NumPy only.

`right` is [N], bool, whether a given label is the true one, which only monitoring knows; None where nobody does. Texts
that need the truth have places for the words "right" and "wrong", which are others where it is known in part.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ieg_fsr.figures import ExampleGrid, Figure

_WEIGHTS = "{right} labels {weight_clean:.3f}, {wrong} labels {weight_noisy:.3f}"
REWEIGHTING_FIGURES = (
    Figure(
        "dictionary_purity", heading="dictionary right", format=".1%", best="up", tag="dictionary/purity",
        short="purity", words="{right} labels in the dictionary (share)", needs_truth=True, promised=True,
        compared=True, told=("dictionary", "{dictionary_purity:.4f} of its labels {right}"),
    ),
    Figure(
        "zero_weight_ratio", heading="zero weights", format=".1%", tag="weights/zero_ratio", promised=True,
        words="training samples of weight zero (share)",
        told=("zero weights", "{zero_weight_ratio:.4f} of the training set"),
    ),
    Figure(
        "weight_clean", heading="weight, right", tag="weights/mean_clean", short="weight clean",
        words="mean weight of training samples with {right} labels", needs_truth=True, promised=True,
        told=("mean weight", _WEIGHTS),
    ),
    Figure(
        "weight_noisy", heading="weight, wrong", tag="weights/mean_wrong", short="wrong",
        words="mean weight of training samples with {wrong} labels", needs_truth=True, promised=True,
    ),
    Figure(
        "zero_weight_batches", tag="weights/zero_batches", counted=True, promised=True,
        told=("batches", "{zero_weight_batches} had no sample of weight above zero"),
    ),
    Figure(
        "strength_used", heading="strength used", tag="strength/value", short="strength",
        words="strength of re-weighting: 0 is plain training, 1 full re-weighting",
    ),
    Figure("agreement", tag="strength/agreement", words="share of the held-out given labels that are predicted"),
    Figure(
        "memorised", format=".3f", tag="strength/memorised",
        words="how much more the probability of contradicted labels rose than that of held-out ones",
    ),
    Figure(
        "generalised", format=".3f", tag="strength/generalised",
        words="how much the probability of contradicted held-out labels rose",
    ),
    Figure("memorised_error", format=".3f", words="standard error of the two above"),
    Figure("memorised_since", format=".0f", words="first epoch in which labels were being memorised"),
    *(Figure(f"loss_{when}_{kind}", needs_truth=True) for kind in ("clean", "noisy") for when in ("before", "after")),
)  # fmt: skip
_CLASSES, _MEMBERS = 20, 10  # rows and columns of the picture of the dictionary
_WORST = 50


def strength_in_words(summary: Mapping[str, Any]) -> list[str]:
    """What became of the strength that tuned itself, for the end of a run; nothing where it was given."""
    strength, since = summary.get("strength_used"), summary.get("memorised_since")
    if strength is None or summary.get("generalised") is None:
        return []
    memorised = "nothing was memorised" if since is None else f"labels were being memorised from epoch {since} on"
    if strength < 0.05:
        but = "" if since is None else ", but they taught more than that"
        text = f"{memorised}{but}: trained as usual"
    elif strength > 0.95:
        unsure = "it was never sure that labels are not memorised"
        text = f"{unsure if since is None else memorised}: re-weighting at full strength"
    else:
        text = f"{memorised}: re-weighting at a strength of {strength:.2f}"
    return [f"{'strength':<15} {text}"]


def weight_figures(weights: np.ndarray, right: np.ndarray | None) -> dict[str, float | None]:
    """Share of weights [N], relative to uniform, that are zero; mean of those of right and of wrong labels, if any."""
    figures: dict[str, float | None] = {"zero_weight_ratio": float(np.mean(weights <= 0.0))}
    if right is not None:
        figures |= {"weight_clean": _mean_or_none(weights[right]), "weight_noisy": _mean_or_none(weights[~right])}
    return figures


def loss_figures(losses: np.ndarray, right: np.ndarray) -> dict[str, float | None]:
    """Mean own-label losses around the lookahead, of right and of wrong labels (paper, Figure 5).

    None where there are no such labels. Args: losses: [N, 2], at the last visit; NaN for an example never visited.
    """
    visited = ~np.isnan(losses[:, 0])
    return {
        f"loss_{when}_{kind}": _mean_or_none(losses[visited & chosen, column])
        for kind, chosen in (("clean", right), ("noisy", ~right))
        for column, when in enumerate(("before", "after"))
    }


def weight_histograms(weights: np.ndarray, right: np.ndarray | None) -> dict[str, np.ndarray]:
    """Tag in TensorBoard -> weights: of all examples [N], of those with right and with wrong labels."""
    parts = {} if right is None else {"weights/clean": weights[right], "weights/wrong": weights[~right]}
    return {"weights/all": weights} | parts


def member_grid(member_ids: np.ndarray, labels: np.ndarray, num_classes: int) -> ExampleGrid:
    """The first members [M] of each class, the best-scored first, a class a row; one with fewer leaves places black."""
    rows = np.full([min(num_classes, _CLASSES), _MEMBERS], -1)
    for label, row in enumerate(rows):
        ids = member_ids[labels == label][:_MEMBERS]
        row[: len(ids)] = ids
    text = f"A row for each class (the first {_CLASSES}), the best-scored members from the left."
    return ExampleGrid(rows.ravel(), _MEMBERS, text)


def suspect_grid(scores: np.ndarray) -> ExampleGrid:
    """The examples of the lowest scores [N], the worst first."""
    worst = np.argsort(scores, kind="stable")[:_WORST]
    return ExampleGrid(worst, _MEMBERS, f"The {len(worst)} lowest scores, worst first", labels_told=True)


def _mean_or_none(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
