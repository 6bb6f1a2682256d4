"""What a model lets be seen of its training: figures, histograms, pictures, and its opinion of the labels."""

import keras
import numpy as np

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.figures import ExampleGrid, Figure
from ieg_fsr.methods.models.classifier_model import ClassifierModel
from ieg_fsr.methods.models.label_report import LabelReport, label_report, predicted_logits, probabilities_of


class ReportingModel(ClassifierModel):
    """A classifier in training that can be watched: here nothing beyond what every run has.

    `right` is [N], bool, whether the given label of an example is the true one, or None where that is not known. It
    is for monitoring and never enters training.

    Attributes:
        declared_figures: what `figures` returns; a method that adds one declares it here, and it is shown everywhere.
        training_examples: of the latest `fit`, where it was given `Examples`.
    """

    declared_figures: tuple[Figure, ...] = ()

    def __init__(self, classifier: keras.Model) -> None:
        """Args: classifier: see `ClassifierModel`."""
        super().__init__(classifier)
        self.training_examples: Examples | None = None

    def figures(self, right: np.ndarray | None = None) -> dict[str, float | None]:
        """Values of the declared figures after an epoch, by name; None for what there is none of, as no wrong label."""
        return {}

    def histograms(self, right: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Values by their tag in TensorBoard, after an epoch."""
        return {}

    def example_grids(self) -> dict[str, ExampleGrid]:
        """Training examples to look at, by their tag in TensorBoard."""
        return {}

    def label_report(self) -> LabelReport:
        """What the trained classifier says of each given label, ordered by example id; see `LabelReport`.

        Raises:
            UserError: `fit` has not been given `Examples`.
        """
        examples = self.seen_examples()
        probabilities = probabilities_of(predicted_logits(self.classifier, examples.source))
        return label_report(examples.given_labels, None, np.ones(len(probabilities), np.float32), probabilities)

    def seen_examples(self) -> Examples:
        """The training data of the latest `fit`.

        Raises:
            UserError: there was none, or not of `Examples`.
        """
        if self.training_examples is None:
            raise UserError(
                "fit must come first, of ieg_fsr.examples(x, y): no example has been seen. "
                f"Received: {type(self).__name__} model without examples"
            )
        return self.training_examples
