"""Supervised training with augmentation, MixUp and label smoothing: the baseline, and the frame of every method."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras.optimizers import LossScaleOptimizer

from ieg_fsr.data.mixup import mixup
from ieg_fsr.data.pipeline import Examples
from ieg_fsr.methods.parameter_average import ParameterAverage
from ieg_fsr.methods.step_scopes import in_scope
from ieg_fsr.networks.split import split_classifier
from ieg_fsr.stateless_random import fold_in

# Inputs [B, ...] and a stateless seed [2] -> augmented float32 inputs [B, ...].
Augment = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

_AUGMENT_STREAM, _MIXUP_STREAM, REWARD_STREAM = 2, 3, 4


class Batch(NamedTuple):
    """A batch ready for training.

    Attributes:
        images: [B, ...], augmented and, with MixUp, mixed.
        targets: [B, C], smoothed and mixed.
        unmixed_images: [B, ...], augmented only.
        given_labels: [B], int32.
        example_ids: [B], int32, or None if the data carry none.
    """

    images: tf.Tensor
    targets: tf.Tensor
    unmixed_images: tf.Tensor
    given_labels: tf.Tensor
    example_ids: Any


# A batch and its logits [B, C] -> losses [B]. One with variables is a tf.Module, and becomes part of the checkpoints.
SampleLoss = Callable[[Batch, tf.Tensor], tf.Tensor]


class Supervised(keras.Model):
    """Trains a classifier on the given labels as they are. `compile` takes an optimizer and metrics, no loss.

    Batches are (x, y) or (x, y, example_id); `fit` also takes `ieg_fsr.examples(...)`.
    """

    # Which of the trained networks `classifier` is, for the summary of a run.
    saved_network = "the only one"

    def __init__(
        self,
        classifier: keras.Model,
        *,
        sample_loss: SampleLoss | None = None,
        augment: Augment | None = None,
        mixup_alpha: float = 0.0,
        label_smoothing: float = 0.0,
        weight_decay: float = 0.0,
        parameter_average_decay: float | None = None,
        seed: int = 0,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            sample_loss: what to train with; None for cross-entropy.
            augment: applied to every batch on the device; None for none.
            mixup_alpha: Beta parameter of MixUp; 0 for no MixUp.
            label_smoothing: share of the target spread evenly over the classes, in [0, 1).
            weight_decay: factor of half the squared norm of all trainable variables.
            parameter_average_decay: of the moving average of the parameters; None keeps none.
            seed: of augmentation, MixUp and draws.

        Raises:
            UserError: the classifier does not end in Dense logits.
        """
        # A wrapper that converts nothing: the classifier's layers have policies of their own.
        super().__init__(dtype="float32")
        self.classifier = classifier
        self.shared_network, self.head = split_classifier(classifier)
        self.num_classes = self.head.units
        self.sample_loss = sample_loss
        self.augment, self.mixup_alpha, self.label_smoothing = augment, mixup_alpha, label_smoothing
        self.weight_decay, self.seed = weight_decay, seed
        self.parameter_average = None
        if parameter_average_decay is not None:
            self.parameter_average = ParameterAverage(classifier, parameter_average_decay)
        self.loss_metric = keras.metrics.Mean(name="loss")
        # A method that re-weights puts its RewardDictionary and its weights [N] here, and if asked its own-label losses
        # around the lookahead [N, 2]; what monitors a run reads them.
        self.dictionary: Any = None
        self.last_weights: Any = None
        self.last_losses: Any = None
        self.built = True

    def compile(self, optimizer: Any = "rmsprop", *args: Any, **kwargs: Any) -> None:
        """`keras.Model.compile`; gradients of a classifier that computes in float16 are scaled on their way back."""
        optimizer = keras.optimizers.get(optimizer)
        if self.classifier.compute_dtype == "float16" and not isinstance(optimizer, LossScaleOptimizer):
            optimizer = LossScaleOptimizer(optimizer)
        super().compile(optimizer, *args, **kwargs)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of SGD on the mean loss of the batch."""
        batch = self.prepare(data)
        with tf.GradientTape() as tape:
            _, logits = self.forward(batch.images)
            loss = tf.reduce_mean(self.sample_losses(batch, logits))
        self.update(tape, loss)
        return self.measure(batch, logits, loss)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Cross-entropy and metrics on (x, y), without smoothing, augmentation or update."""
        inputs, labels = data[0], data[1]
        logits = self(inputs, training=False)
        one_hot = tf.one_hot(labels, self.num_classes)
        self.loss_metric.update_state(tf.nn.softmax_cross_entropy_with_logits(one_hot, logits))
        return self.compute_metrics(inputs, labels, logits) | {"loss": self.loss_metric.result()}

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """Logits [B, C] of the classifier."""
        return self.classifier(inputs, training=training)

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """`keras.Model.fit`; takes `Examples` as well, and then works out the steps of an epoch itself."""
        if isinstance(x, Examples):
            per_epoch = x.steps_per_epoch
            start, stop = kwargs.get("initial_epoch", 0) * per_epoch, kwargs.get("epochs", 1) * per_epoch
            kwargs |= {"steps_per_epoch": per_epoch, "shuffle": False}
            x = x.batches(start, stop)
        self._create_variables()
        return super().fit(x, *args, **kwargs)

    def _create_variables(self) -> None:
        """Makes the optimizer's and the metrics' variables: a train function that makes any is traced twice."""
        self.optimizer.build(self.classifier.trainable_variables)
        self.compute_metrics(None, tf.zeros([1], tf.int32), tf.zeros([1, self.num_classes]))

    def checkpoint_parts(self) -> dict[str, Any]:
        """What a checkpoint must hold to go on from the end of an epoch, by name."""
        parts = {"classifier": self.classifier, "optimizer": self.optimizer}
        if isinstance(self.sample_loss, tf.Module):
            parts["sample_loss"] = self.sample_loss
        return parts | ({"parameter_average": self.parameter_average} if self.parameter_average else {})

    @in_scope("augmentation")
    def prepare(self, data: Any) -> Batch:
        """Step 1: augmentation, targets, MixUp."""
        inputs, labels, example_ids = data if len(data) == 3 else (*data, None)
        unmixed = self.augmented(inputs, self.step_seed(_AUGMENT_STREAM))
        images, targets = unmixed, self.targets_of(labels)
        if self.mixup_alpha:
            images, targets = mixup(images, targets, self.step_seed(_MIXUP_STREAM), self.mixup_alpha)
        return Batch(images, targets, unmixed, labels, example_ids)

    @in_scope("forward")
    def forward(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Step 2: features [B, D] of the shared network and logits [B, C], float32."""
        features = self.shared_network(images, training=True)
        return features, tf.cast(self.head(features), tf.float32)

    @in_scope("loss")
    def sample_losses(self, batch: Batch, logits: tf.Tensor) -> tf.Tensor:
        """Losses [B] of logits [B, C]: those of `sample_loss`, else cross-entropy against the soft targets."""
        if self.sample_loss is not None:
            return self.sample_loss(batch, logits)
        return tf.nn.softmax_cross_entropy_with_logits(batch.targets, logits)

    def update(self, tape: tf.GradientTape, loss: tf.Tensor) -> list[tf.Tensor]:
        """Step 6: moves all parameters; returns the gradients, weight decay included."""
        step = tf.identity(self.optimizer.iterations.value)
        gradients = self.descend(tape, loss, self.classifier, self.optimizer)
        if self.parameter_average is not None:
            with tf.name_scope("update"):
                self.parameter_average.update(step)
        return gradients

    def descend(
        self, tape: tf.GradientTape, loss: tf.Tensor, network: keras.Model, optimizer: keras.optimizers.Optimizer
    ) -> list[tf.Tensor]:
        """Moves the parameters of one network; returns the gradients, weight decay included and no loss scale."""
        variables, scale = network.trainable_variables, _loss_scale(optimizer)
        with tf.name_scope("backward"):
            gradients = tape.gradient(loss, [variable.value for variable in variables], output_gradients=scale)
        with tf.name_scope("update"):
            if scale is not None:
                gradients = [gradient / scale for gradient in gradients]
            if self.weight_decay:
                gradients = [g + self.weight_decay * v.value for g, v in zip(gradients, variables, strict=True)]
            # A LossScaleOptimizer divides by its scale itself, after it has looked for an overflow.
            optimizer.apply(gradients if scale is None else [g * scale for g in gradients], variables)
        return gradients

    @in_scope("update")
    def step_taken(self, gradients: list[tf.Tensor]) -> tf.Tensor | None:
        """Whether the optimizer moves by these gradients: a LossScaleOptimizer not if one overflows; None: always."""
        if isinstance(self.optimizer, LossScaleOptimizer):
            return self.optimizer.check_finite(gradients)
        return None

    @in_scope("metrics")
    def measure(self, batch: Batch, logits: tf.Tensor, loss: tf.Tensor) -> dict[str, Any]:
        """Updates the metrics with the logits trained on and the given labels."""
        self.loss_metric.update_state(loss)
        results = self.compute_metrics(batch.images, batch.given_labels, logits)
        return results | {"loss": self.loss_metric.result()}

    def augmented(self, inputs: Any, seed: tf.Tensor) -> Any:
        """Inputs after augmentation; integers become float32 either way."""
        if self.augment is not None:
            return self.augment(inputs, seed)
        return tf.cast(inputs, tf.float32) if inputs.dtype.is_integer else inputs

    def targets_of(self, labels: tf.Tensor) -> tf.Tensor:
        """One-hot labels [B, C], smoothed."""
        one_hot = tf.one_hot(labels, self.num_classes)
        return (1.0 - self.label_smoothing) * one_hot + self.label_smoothing / self.num_classes

    def step_seed(self, stream: int) -> tf.Tensor:
        """Stateless seed [2] of one stream at the present step."""
        return fold_in(tf.constant([self.seed, stream], tf.int32), self.optimizer.iterations.value)


def _loss_scale(optimizer: keras.optimizers.Optimizer) -> tf.Tensor | None:
    """What the gradients of a float16 network are multiplied with on their way back; None for other networks."""
    return tf.identity(optimizer.dynamic_scale.value) if isinstance(optimizer, LossScaleOptimizer) else None
