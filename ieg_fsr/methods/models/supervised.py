"""Supervised training with augmentation, MixUp and label smoothing: the baseline, and the frame of every method."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras.optimizers import LossScaleOptimizer

from ieg_fsr.data.pipeline.array_checks import checked_class_numbers
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.pipeline.mixup import mixup
from ieg_fsr.errors import UserError
from ieg_fsr.methods.common_settings import LABEL_SMOOTHING, PARAMETER_AVERAGE_DECAY, WEIGHT_DECAY
from ieg_fsr.methods.models.added_losses import added_losses
from ieg_fsr.methods.models.batch import Batch, SampleLoss, Unlabelled
from ieg_fsr.methods.models.classifier_model import ClassifierModel
from ieg_fsr.methods.models.compiled_parts import compiled_part
from ieg_fsr.methods.models.course import Course
from ieg_fsr.methods.models.deferred_reweighting import DeferredReweighting, NoReweighting
from ieg_fsr.methods.models.fit_arguments import (
    checked_callbacks,
    checked_labels,
    class_numbers,
    evaluation_data,
    refuse,
)
from ieg_fsr.methods.models.parameter_average import ParameterAverage
from ieg_fsr.methods.models.skipping import LossSkipping, NoSkipping, checked_skipping
from ieg_fsr.methods.models.stages import Stage
from ieg_fsr.methods.models.step_scopes import in_scope
from ieg_fsr.networks.fused_batch_norm import fused_batch_norms
from ieg_fsr.networks.inputs import keeps_input_type, takes_tokens
from ieg_fsr.replicas import average, count, reducible, share, whole
from ieg_fsr.rules import at_least, check_number, whole_seed
from ieg_fsr.stateless_random import fold_in

# Inputs [B, ...] and a stateless seed [2] -> augmented float32 inputs [B, ...].
Augment = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

# Of the seed of a step; 5 and 6 are the pipeline's.
_AUGMENT_STREAM, _MIXUP_STREAM, REWARD_STREAM, _UNLABELLED_STREAM = 2, 3, 4, 7


class Supervised(ClassifierModel):
    """Trains a classifier on the given labels as they are. `compile` takes an optimizer and metrics, no loss.

    Batches are (x, y), (x, y, example_id) or (x, y, example_id, loss_factor); `fit` also takes `ieg_fsr.examples(...)`.
    `evaluate`, `predict` and `validation_data` take arrays, datasets, or `ieg_fsr.examples(...)`, in order. What is
    saved is the classifier.
    """

    # Which of the trained networks `classifier` is, for the summary of a run.
    saved_network = "the only one"
    # Which rules of skipping go with its steps.
    skipping_rules: tuple[type[NoSkipping], ...] = (LossSkipping,)
    # How the parts of the checkpoints begin by name that a fresh stage gives their first values.
    starts_anew: tuple[str, ...] = ("classifier", "optimizer", "parameter_average")
    mixup_reach: Callable[[Any], Any] = staticmethod(lambda example_ids: None)  # how far MixUp goes, see there
    mixup_label_shares: Callable[[Any], Any] = staticmethod(lambda labels: None)  # and what of it the labels have

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
        deferred_reweighting: DeferredReweighting | None = None,
        skipping: NoSkipping | None = None,
        seed: int = 0,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            sample_loss: what to train with; None for cross-entropy.
            augment: applied to every batch on the device: x [B, ...] and a seed [2] -> x; None for none.
            mixup_alpha: Beta parameter of MixUp; 0 for no MixUp, as token ids and texts need it.
            label_smoothing: share of the target spread evenly over the classes, in [0, 1).
            weight_decay: factor of half the squared norm of all trainable variables.
            parameter_average_decay: of the moving average of the parameters; None keeps none.
            deferred_reweighting: weights of the classes from an epoch on; None for none. Takes a loss that is linear
                in its targets, as all here are.
            skipping: what epochs leave out; None for nothing.
            seed: of augmentation, MixUp and draws.

        Raises:
            UserError: an argument is out of range; the classifier does not end in Dense logits or has several inputs;
                MixUp of tokens.
        """
        super().__init__(classifier)
        check_number("mixup_alpha", mixup_alpha, at_least(0))
        check_number("seed", seed, whole_seed(), int)
        LABEL_SMOOTHING.check_argument(label_smoothing)
        WEIGHT_DECAY.check_argument(weight_decay)
        if mixup_alpha and takes_tokens(classifier):
            raise UserError(
                "mixup_alpha must be 0 for a classifier of token ids or texts, which cannot be mixed (one of images: "
                f"without an integer dtype in its keras.Input). Received: {mixup_alpha:g}"
            )
        self._keeps_input_type = keeps_input_type(classifier)
        self.sample_loss = sample_loss
        self.augment, self.mixup_alpha, self.label_smoothing = augment, mixup_alpha, label_smoothing
        self.weight_decay, self.seed = weight_decay, seed
        self.deferred_reweighting = deferred_reweighting or NoReweighting()
        self.skipping = checked_skipping(skipping, self.skipping_rules)
        self.parameter_average = None
        if parameter_average_decay is not None:
            PARAMETER_AVERAGE_DECAY.check_argument(parameter_average_decay)
            self.parameter_average = ParameterAverage(classifier, parameter_average_decay)
        self.epochs_done = 0  # of all calls of `fit`
        self.course, self.stage_name = Course(self), ""
        self.built = True

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of SGD on the mean loss of the batch."""
        batch = self.prepare(data)
        with tf.GradientTape() as tape:
            _, logits = self.forward(batch.images)
            losses = batch.factored(self.sample_losses(batch, logits))
            loss = tf.reduce_mean(losses) + self.regularization()
        self.update(tape, loss)
        return self.measure(batch, logits, loss)

    def stages(self, epochs: int) -> list[Stage]:
        """The stages of a training of so many epochs in all."""
        return self.skipping.stages(epochs)

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, *args: Any, **kwargs: Any
    ) -> keras.callbacks.History:
        """`keras.Model.fit`; takes `Examples` as well, and then works out the steps of an epoch itself.

        Called again, it goes on with the epoch that follows, though Keras counts from 0; `initial_epoch` says where to
        go on instead, whatever was done before. With `Examples` `first_step`, from 0, is the step of the initial epoch
        to go on with: its state, the metrics' too, was restored.

        Raises:
            UserError: an argument that has no meaning here, or labels that the classifier has no logit for; several
                stages, and something else than `Examples`; an epoch that visits no example.
        """
        first_step = kwargs.pop("first_step", 0)
        if args:
            [kwargs["verbose"]] = args
        refuse(isinstance(x, Examples), kwargs | {"y": y, "batch_size": batch_size})
        if getattr(self, "optimizer", None) is None:
            raise UserError("compile must come first: model.compile(optimizer). Received: fit of an uncompiled model")
        kwargs["validation_data"] = evaluation_data(kwargs.get("validation_data"), self.num_classes)
        y = y if y is None else checked_class_numbers(y, "y", self.num_classes)
        if self.distribute_strategy.num_replicas_in_sync > 1 and not isinstance(x, Examples):
            raise UserError(f"fit on several replicas takes ieg_fsr.examples(x, y). Received: {type(x).__name__}")
        x = checked_labels(x, self.num_classes)
        self.training_examples = x if isinstance(x, Examples) else None
        self.skipping.check(x)
        initial_epoch, ahead = self.first_epoch(kwargs.pop("initial_epoch", None))
        around = keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: self.begin_training(initial_epoch + ahead, first_step),
            on_epoch_begin=lambda epoch, logs: self._begin_epoch(epoch + ahead),
            on_epoch_end=lambda epoch, logs: self.end_epoch(epoch + ahead),
        )
        callbacks = [around, *checked_callbacks(kwargs.pop("callbacks", None))]
        plan = self.course.lay_out(epochs + ahead)
        if isinstance(x, Examples):
            return self.course.walk(super().fit, x, epochs, (initial_epoch, first_step), ahead, callbacks, **kwargs)
        plan.refuse_without_examples(x)
        self.create_variables()
        return super().fit(x, y, batch_size, epochs, initial_epoch=initial_epoch, callbacks=callbacks, **kwargs)

    def first_epoch(self, initial_epoch: int | None) -> tuple[int, int]:
        """From which epoch on Keras counts in a call of `fit`, and how far training is ahead of that count."""
        return (0, self.epochs_done) if initial_epoch is None else (initial_epoch, 0)

    def begin_training(self, epoch: int, first_step: int) -> None:
        """Before that step of an epoch, the first of a `fit`; epochs are counted over all calls, as in what follows."""

    def _begin_epoch(self, epoch: int) -> None:
        self.deferred_reweighting.set_epoch(epoch)
        self.set_epoch(epoch)

    def set_epoch(self, epoch: int) -> None:
        """Before an epoch and the callbacks' part in it."""

    def end_epoch(self, epoch: int) -> None:
        """After an epoch, before the callbacks."""
        self.epochs_done = epoch + 1

    def create_variables(self) -> None:
        """Makes the optimizer's and the metrics' variables: a train function that makes any is traced twice."""
        with self.distribute_strategy.scope():
            self.optimizer.build(self.classifier.trainable_variables)
            self.compute_metrics(None, tf.zeros([1], tf.int32), tf.zeros([1, self.num_classes]))

    def checkpoint_parts(self) -> dict[str, Any]:
        """What a checkpoint must hold to go on from any step: by name a list of variables, or what has variables."""
        classifier, metrics = self.classifier.variables, self.metrics_variables  # with the states of random layers
        parts = {"classifier": classifier, "optimizer": self.optimizer, "metrics": metrics}
        modules = {"sample_loss": self.sample_loss, "skipping": self.skipping}
        parts |= {name: part for name, part in modules.items() if isinstance(part, tf.Module) and part.variables}
        parts |= {"parameter_average": self.parameter_average} if self.parameter_average else {}
        return parts | self.course.checkpoint_parts()

    @in_scope("augmentation")
    def prepare(self, data: Any) -> Batch:
        """Step 1: augmentation, targets, MixUp. What has no label stands behind the others."""
        inputs, labels, example_ids, loss_factors = (*data, None, None)[:4]
        labels, unlabelled = class_numbers(labels), None
        if inputs.shape[0] != labels.shape[0]:
            others = inputs[labels.shape[0] :], example_ids[labels.shape[0] :]
            unlabelled = Unlabelled(self.augmented(others[0], self.step_seed(_UNLABELLED_STREAM)), others[1])
            inputs, example_ids = inputs[: labels.shape[0]], example_ids[: labels.shape[0]]
        unmixed = self.augmented(inputs, self.step_seed(_AUGMENT_STREAM))
        images, targets = unmixed, self.deferred_reweighting.weighed(self.targets_of(labels), labels)
        if self.mixup_alpha:
            rules = self.mixup_reach(example_ids), self.mixup_label_shares(labels)
            images, targets = mixup(images, targets, self.step_seed(_MIXUP_STREAM), self.mixup_alpha, *rules)
        targets, loss_factors = self.deferred_reweighting.taken_out(targets, loss_factors)
        return Batch(images, targets, unmixed, labels, example_ids, loss_factors, unlabelled)

    @in_scope("forward")
    def forward(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Step 2: features [B, ...] and logits [B, C], float32; each replica computes its share."""
        features, logits = self.outputs(share(images))
        return whole(features, images.shape[0]), whole(logits, images.shape[0])

    @compiled_part
    def outputs(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Features [B, ...] and logits [B, C], float32, of the two `parts` of the classifier."""
        with fused_batch_norms(self.classifier):
            features = self.parts[0](images, training=True)
            return features, tf.cast(self.parts[1](features, training=True), tf.float32)

    @in_scope("loss")
    def sample_losses(self, batch: Batch, logits: tf.Tensor) -> tf.Tensor:
        """Losses [B] of logits [B, C]: those of `sample_loss`, else cross-entropy against the soft targets."""
        cross_entropy = lambda: tf.nn.softmax_cross_entropy_with_logits(batch.targets, logits)  # noqa: E731
        return cross_entropy() if self.sample_loss is None else self.sample_loss(batch, logits)

    def regularization(self, network: keras.Model | None = None) -> tf.Tensor | float:
        """Sum of the losses that the layers of the classifier, or of another network, add; after its forward."""
        return added_losses(network or self.classifier)

    def update(self, tape: tf.GradientTape, loss: tf.Tensor, decay_share: tf.Tensor | float = 1.0) -> list[tf.Tensor]:
        """Step 6: moves all parameters; returns the gradients, that share of weight decay included."""
        step = tf.identity(self.optimizer.iterations.value)
        gradients = self.descend(tape, loss, self.classifier, self.optimizer, decay_share)
        if self.parameter_average is not None:
            with tf.name_scope("update"):
                self.parameter_average.update(step, self.course.pace)
        return gradients

    def descend(
        self, tape: tf.GradientTape, loss: tf.Tensor, network: keras.Model, optimizer: keras.Optimizer,
        decay_share: tf.Tensor | float = 1.0,
    ) -> list[tf.Tensor]:  # fmt: skip
        """Moves one network by the replicas' sum of gradients; returns this one's part, with decay, not scaled."""
        variables, scale = network.trainable_variables, None
        if isinstance(optimizer, LossScaleOptimizer):  # the gradients of a float16 network, on their way back
            scale = tf.identity(optimizer.dynamic_scale.value)
        with tf.name_scope("backward"):
            gradients = tape.gradient(loss, [variable.value for variable in variables], output_gradients=scale)
        with tf.name_scope("update"):
            if scale is not None:
                gradients = [gradient / scale for gradient in gradients]
            if self.weight_decay:
                decay = decay_share * self.weight_decay / count()
                gradients = [g + decay * v.value for g, v in zip(gradients, variables, strict=True)]
            # A LossScaleOptimizer divides by its scale itself, after it has looked for an overflow.
            optimizer.apply(gradients if scale is None else [g * scale for g in gradients], variables)
            # Batch norm's averages: each replica has seen its own share.
            average([variable.value for variable in network.non_trainable_variables])
        return gradients

    @in_scope("metrics")
    def measure(self, batch: Batch, logits: tf.Tensor, loss: tf.Tensor) -> dict[str, Any]:
        """Updates the metrics with the logits trained on and the given labels."""
        self.loss_metric.update_state(loss)
        self.skipping.observe(batch, logits)
        results = self.compute_metrics(batch.images, batch.given_labels, logits)
        return reducible(results | {"loss": self.loss_metric.result()})

    def augmented(self, inputs: Any, seed: tf.Tensor) -> Any:
        """Inputs after augmentation; numbers become float32, but for a classifier that declares integers."""
        if self.augment is not None:
            return self.augment(inputs, seed)
        return inputs if self._keeps_input_type else tf.cast(inputs, tf.float32)

    def targets_of(self, labels: tf.Tensor) -> tf.Tensor:
        """One-hot labels [B, C], smoothed."""
        one_hot = tf.one_hot(labels, self.num_classes)
        return (1.0 - self.label_smoothing) * one_hot + self.label_smoothing / self.num_classes

    def step_seed(self, stream: int) -> tf.Tensor:
        """Stateless seed [2] of one stream at the present step."""
        return fold_in(tf.constant([self.seed, stream], tf.int32), self.optimizer.iterations.value)
