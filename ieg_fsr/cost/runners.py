"""Models that make one step, or one epoch, at a time: what training makes, outside of a training run."""

import time
from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.cost.entries import KERAS, Entry
from ieg_fsr.cost.flops import count_flops
from ieg_fsr.cost.synthetic import RepeatedExamples, synthetic_data
from ieg_fsr.cost.xla_memory import xla_memory
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.networks import build_network
from ieg_fsr.training.build import build, build_optimizer, resolved_jit

# Two steps trace everything; their epoch ends like any other, with a new dictionary.
_FIRST_STEPS = 2


class Runner:
    """A method of the benchmark with its data, traced and past its first steps.

    Attributes:
        entry: what it runs.
        examples: its training data.
        model: compiled.
        flops: of a step, by its graph; None if a shape is unknown.
        forward_flops: of the network, for one image.
        xla_memory: bytes of a step's buffers; None where XLA does not compile it.
    """

    def __init__(self, entry: Entry, repeat: bool) -> None:
        """Args: repeat: see `synthetic_data`.

        Raises:
            UserError: the network does not take the images.
        """
        config = entry.config
        data = synthetic_data(config, repeat)
        kind = RepeatedExamples if repeat else Examples
        self.entry, self.steps_done = entry, _FIRST_STEPS
        self.examples = kind(data.train, data.train.labels, config.batch_size, config.seed)
        if entry.name == KERAS:
            self.model = self.classifier = _plain(entry, self.examples, data)
        else:
            self.model, _ = build(config, data, data.train.labels)
            self.classifier = self.model.classifier
        step, graphs = self.model.train_step, []

        def recorded(data: Any) -> Any:
            graphs.append(tf.compat.v1.get_default_graph())
            return step(data)

        def stop_early(batch: int, logs: dict | None) -> None:
            self.model.stop_training = batch + 1 >= _FIRST_STEPS

        self.model.train_step = recorded
        self.fit(0, keras.callbacks.LambdaCallback(on_train_batch_end=stop_early))
        self.flops = count_flops(graphs[-1], then_share=1.0 / entry.period)
        self.forward_flops = _forward_flops(self.classifier)
        self.xla_memory = None
        if resolved_jit(config):
            [batch] = self.batches(_FIRST_STEPS, _FIRST_STEPS + 1)
            self.xla_memory = xla_memory(self.model.train_step, batch)

    def fit(self, epoch: int, callback: keras.callbacks.Callback) -> None:
        """Trains for one epoch."""
        options: dict[str, Any] = {"initial_epoch": epoch, "epochs": epoch + 1, "verbose": 0, "callbacks": [callback]}
        if self.entry.name == KERAS:
            per_epoch = self.examples.steps_per_epoch
            options |= {"steps_per_epoch": per_epoch, "shuffle": False}
            self.model.fit(self.batches(epoch * per_epoch, (epoch + 1) * per_epoch), **options)
        else:
            self.model.fit(self.examples, **options)

    def batches(self, start_step: int, stop_step: int) -> tf.data.Dataset:
        """Batches as the model takes them."""
        batches = self.examples.batches(start_step, stop_step)
        return batches.map(lambda x, y, _: (x, y)) if self.entry.name == KERAS else batches


class StepRunner(Runner):
    """Makes single steps."""

    def prepare(self, steps: int) -> None:
        """Opens the pipeline. Args: steps: that will be made."""
        self.iterator = iter(self.batches(self.steps_done, self.steps_done + steps))

    def run(self) -> float:
        """Seconds of one step, its batch at hand."""
        start = time.perf_counter()
        self.model.train_function(self.iterator)
        tf.test.experimental.sync_devices()
        return time.perf_counter() - start


class EpochRunner(Runner):
    """Makes whole epochs: the pipeline, the steps with their metrics, and the new dictionary at the end."""

    def prepare(self, steps: int) -> None:
        """Nothing: `fit` opens the pipeline."""
        self.epoch = 1

    def run(self) -> float:
        """Seconds of one epoch, from its beginning to its end, the new dictionary included: the clock comes last."""
        times = []

        def look(epoch: int, logs: dict | None) -> None:
            tf.test.experimental.sync_devices()
            times.append(time.perf_counter())

        self.fit(self.epoch, keras.callbacks.LambdaCallback(on_epoch_begin=look, on_epoch_end=look))
        self.epoch += 1
        return times[1] - times[0]


def _plain(entry: Entry, examples: Examples, data: DataSet) -> keras.Model:
    """What a Keras user would write for the same network and optimizer."""
    config = entry.config
    classifier = build_network(config.network, data.train.image_shape, data.num_classes, config.seed, config.precision)
    classifier.compile(
        optimizer=build_optimizer(config, examples.steps_per_epoch),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=resolved_jit(config),
    )
    return classifier


def _forward_flops(classifier: keras.Model) -> float | None:
    forward = tf.function(lambda images: classifier(images, training=True))
    image = tf.TensorSpec([1, *classifier.input_shape[1:]], tf.float32)
    return count_flops(forward.get_concrete_function(image).graph)
