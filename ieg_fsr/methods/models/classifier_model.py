"""What a Keras user does with a method beside training it: compile, evaluate, predict, save, look into it."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers import LossScaleOptimizer

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.figures import ExampleGrid, Figure
from ieg_fsr.methods.models.fit_arguments import class_numbers, evaluation_data, labels_in_one_line, refuse
from ieg_fsr.methods.models.label_report import LabelReport, label_report, predicted_logits, probabilities_of
from ieg_fsr.networks.freezing import check_trainable
from ieg_fsr.networks.inputs import check_single_input
from ieg_fsr.networks.split import split_classifier


class ClassifierModel(keras.Model):
    """A classifier in the frame of a method. What is evaluated and saved is the classifier."""

    # What `figures` returns; a method that adds one declares it here, and it is shown everywhere.
    declared_figures: tuple[Figure, ...] = ()

    def __init__(self, classifier: keras.Model) -> None:
        """Raises UserError unless the classifier is a built, trainable model of one input that ends in Dense logits."""
        # A wrapper that converts nothing: the classifier's layers have policies of their own.
        super().__init__(dtype="float32")
        self.classifier = classifier
        # From the input to the features [B, D] of the final Dense layer, and that layer.
        self.shared_network, self.head = split_classifier(classifier)
        check_single_input(classifier)
        check_trainable(classifier, "classifier", f"'{classifier.name}', all with trainable=False")
        self.num_classes = self.head.units
        # Below and above which features are taken; a method may cut elsewhere.
        self.parts = self.shared_network, self.head
        self.compiled_parts: dict[str, Any] | None = None
        self.loss_metric = keras.metrics.Mean(name="loss")
        self.training_examples: Examples | None = None  # of the latest `fit`, where it was given some

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.compile` without a loss; gradients of a float16 classifier are scaled on their way back."""
        if loss is not None:
            raise UserError(
                "loss must not be given: training takes the cross-entropy of logits, and Supervised(sample_loss=...) "
                f"another. Received: {loss}"
            )
        if kwargs.get("loss_weights") is not None:
            raise UserError(f"loss_weights must not be given: there is one loss. Received: {kwargs['loss_weights']}")
        optimizer = keras.optimizers.get(optimizer)
        if self.classifier.compute_dtype == "float16" and not isinstance(optimizer, LossScaleOptimizer):
            optimizer = LossScaleOptimizer(optimizer)
        with self.distribute_strategy.scope():
            if tf.distribute.has_strategy() and kwargs.get("jit_compile") is True:
                # XLA takes no exchange between replicas: what lies between them is compiled, not the whole step.
                kwargs["jit_compile"], self.compiled_parts = False, {}
            super().compile(optimizer, None, *args, **kwargs)
            self.optimizer.build(self.classifier.trainable_variables)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """`keras.Model.fit`; what `checked_labels` finds in a dataset is told in one line."""
        with labels_in_one_line():
            return super().fit(*args, **kwargs)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Cross-entropy and metrics on (x, y), without smoothing, augmentation or update."""
        inputs, labels = data[0], class_numbers(data[1])
        logits = self(inputs, training=False)
        one_hot = tf.one_hot(labels, self.num_classes)
        self.loss_metric.update_state(tf.nn.softmax_cross_entropy_with_logits(one_hot, logits))
        return self.compute_metrics(inputs, labels, logits) | {"loss": self.loss_metric.result()}

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """Logits [B, C] of the classifier."""
        return self.classifier(inputs, training=training)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.evaluate` on arrays x, y, a dataset, or `Examples` in order: cross-entropy and metrics."""
        refuse(isinstance(x, Examples), kwargs | {"y": y})
        if y is not None:
            x, y = evaluation_data((x, y), self.num_classes, "evaluate")
            return super().evaluate(x, y, *args, **kwargs)
        with labels_in_one_line():
            return super().evaluate(evaluation_data(x, self.num_classes, "x"), None, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.predict`, logits [N, C], of inputs, a dataset, or `Examples` in order."""
        return super().predict(x.for_evaluation() if isinstance(x, Examples) else x, *args, **kwargs)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.save` of the classifier, which loads without this package; so for `export` and weights."""
        self.classifier.save(*args, **kwargs)

    def export(self, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.export` of the classifier."""
        self.classifier.export(*args, **kwargs)

    def save_weights(self, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.save_weights` of the classifier."""
        self.classifier.save_weights(*args, **kwargs)

    def load_weights(self, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.load_weights` into the classifier."""
        self.classifier.load_weights(*args, **kwargs)

    def seen_examples(self) -> Examples:
        """The training data of the latest `fit`; UserError if there was none, or not of `Examples`."""
        if self.training_examples is None:
            raise UserError(
                "fit must come first, of ieg_fsr.examples(x, y): no example has been seen. "
                f"Received: {type(self).__name__} model without examples"
            )
        return self.training_examples

    # `right` is [N], bool, whether the given label of an example is the true one, or None where that is not known. It
    # is for monitoring and never enters training.

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

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Nothing: all is built. Under a strategy, Keras would take a batch out of the data for this."""
