"""What is known of true labels, which everything follows that speaks of right and wrong ones. No TensorFlow."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ieg_fsr.data.sources.datasets import spec_of


class Truth(NamedTuple):
    """What given labels are measured against: the labels that the data came with, in the words for what these are.

    Attributes:
        name: in summary.json, what is known of true labels.
        right, wrong: what to call a given label that is one of them, or is not.
        basis: what stands behind a figure that counts them.
    """

    name: str
    right: str
    wrong: str
    basis: str

    @property
    def words(self) -> dict[str, str]:
        """What the texts of figures have places for."""
        return {"right": self.right, "wrong": self.wrong}


# A published data set's labels are taken for right.
KNOWN = Truth("known", "right", "wrong", "truth known")
# A user's own data: what noise or a file changed is known, and not what was wrong before.
CHANGES = Truth("not known, but what was changed", "unchanged", "changed", "by the data's own labels")


def truth_of(settings: Mapping[str, Any]) -> Truth | None:
    """What is known in a run; None where nothing is: its labels are the data's own, and these are in question.

    Args: settings: dataset, noise, noise_matrix and labels_file of the run.
    """
    if spec_of(settings["dataset"]).labels_are_true:
        return KNOWN
    replaced = settings["noise_matrix"] is not None or settings["labels_file"] is not None
    return CHANGES if settings["noise"] > 0 or replaced else None
