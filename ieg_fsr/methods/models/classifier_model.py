"""What a Keras user does with a method beside training it: compile, evaluate, predict, save."""

from typing import Any

import keras
import tensorflow as tf
from keras.optimizers import LossScaleOptimizer

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.fit_arguments import (
    checked_labels,
    class_numbers,
    evaluation_data,
    labels_in_one_line,
    refuse,
)
from ieg_fsr.networks.inputs import check_single_input
from ieg_fsr.networks.split import split_classifier


class ClassifierModel(keras.Model):
    """A classifier in the frame of a method. What is evaluated and saved is the classifier.

    Attributes:
        classifier: the model that was given.
        shared_network: from its input to the features [B, D] of its final Dense layer.
        head: the final Dense layer.
        num_classes: C.
    """

    def __init__(self, classifier: keras.Model) -> None:
        """Args: classifier: built Functional or Sequential model of one input that ends in Dense logits.

        Raises:
            UserError: it is another one.
        """
        # A wrapper that converts nothing: the classifier's layers have policies of their own.
        super().__init__(dtype="float32")
        self.classifier = classifier
        self.shared_network, self.head = split_classifier(classifier)
        check_single_input(classifier)
        self.num_classes = self.head.units
        # Below and above which features are taken; a method may cut elsewhere.
        self.parts = self.shared_network, self.head
        self.compiled_parts: dict[str, Any] | None = None
        self.loss_metric = keras.metrics.Mean(name="loss")
        self.training_examples: Examples | None = None

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.compile`; gradients of a classifier that computes in float16 are scaled on their way back.

        Raises:
            UserError: a loss is given.
        """
        if loss is not None:
            raise UserError(f"loss must not be given: training takes the cross-entropy of logits. Received: {loss}")
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

    def checked_data(self, x: Any) -> Any:
        """What `fit` is to train on, if its labels are classes and several replicas can share it.

        Raises:
            UserError: a label has no logit; several replicas, and something else than `Examples`.
        """
        if self.distribute_strategy.num_replicas_in_sync > 1 and not isinstance(x, Examples):
            raise UserError(f"fit on several replicas takes ieg_fsr.examples(x, y). Received: {type(x).__name__}")
        return checked_labels(x, self.num_classes)

    def seen_examples(self) -> Examples:
        """The training data of the latest `fit`.

        Raises:
            UserError: there was none.
        """
        if self.training_examples is None:
            received = f"an untrained {type(self).__name__} model"
            raise UserError(f"fit must come first: no example has been seen. Received: {received}")
        return self.training_examples

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Nothing: all is built. Under a strategy, Keras would take a batch out of the data for this."""
