"""How large training gradient and meta gradient are in each layer (the paper's Figure 3), measured beside training."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.methods.models.meta_part import MetaPart, Reward
from ieg_fsr.methods.models.supervised import REWARD_STREAM
from ieg_fsr.reweighting.meta_gradient import virtual_step
from ieg_fsr.reweighting.weight_rules import uniform_weights
from ieg_fsr.stateless_random import split

if TYPE_CHECKING:
    from ieg_fsr.methods.models.fsr import FSR


def layer_gradients(model: "FSR", epoch: int) -> list[dict[str, Any]]:
    """Gradients of the next step's batch and of a reward batch, whatever the depth of the model's own meta part.

    The training gradient is that of the batch's mean loss; the meta gradient is that of the mean reward loss after a
    virtual step of the whole network on that batch, with uniform weights and without momentum, which is kept for the
    meta part alone. Weight decay is in the step and in neither gradient. The model stays as it is; `epoch`, which has
    just ended, chooses crops of images in files.

    Returns:
        For each layer with trainable variables, from the input up: `layer`, its name; `parameters`, their number n;
        `training_gradient` and `meta_gradient`, the root mean square of the elements.
    """
    whole = MetaPart(model.classifier, "all", model.meta_part.settings._replace(momentum=0.0))
    parameters = [tf.convert_to_tensor(variable) for variable in model.classifier.trainable_variables]
    batch = model.prepare(_training_batch(model, epoch))
    losses = whole.losses(batch.images, batch.targets)
    reward_losses = whole.losses(*_reward_batch(model, epoch))
    after = virtual_step(uniform_weights(losses(parameters)), losses, parameters, settings=whole.settings)
    squares = [_squared_gradients(losses, parameters), _squared_gradients(reward_losses, after)]
    place = {id(variable): i for i, variable in enumerate(model.classifier.trainable_variables)}
    rows = []
    for layer in _layers(model.classifier):
        places = [place[id(variable)] for variable in layer.trainable_variables]
        size = sum(int(tf.size(parameters[i])) for i in places)
        training, meta = (float(np.sqrt(sum(part[i] for i in places) / size)) for part in squares)
        rows.append({"layer": layer.name, "parameters": size, "training_gradient": training, "meta_gradient": meta})
    return rows


def _squared_gradients(losses: Any, parameters: Sequence[tf.Tensor]) -> list[float]:
    """Squared norm of the mean loss's gradient by each parameter."""
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        loss = tf.reduce_mean(losses(parameters))
    gradients = tape.gradient(loss, parameters, unconnected_gradients="zero")
    return [float(tf.reduce_sum(tf.square(gradient))) for gradient in gradients]


def _training_batch(model: "FSR", epoch: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    examples = model.seen_examples()
    ids = examples.batch_ids(tf.cast(model.optimizer.iterations.value, tf.int64))
    images = tf.constant(examples.member_images(epoch, ids.numpy())(ids.numpy()))
    return images, tf.gather(examples.given_labels, ids), ids


def _reward_batch(model: "FSR", epoch: int) -> Reward:
    draw_seed, augmentation_seed = split(model.step_seed(REWARD_STREAM))
    slots = model.reward_set.draw(model.reward_batch_size, draw_seed)
    ids = tf.gather(model.reward_set.member_ids, slots).numpy()
    images = tf.constant((model.clean_examples or model.seen_examples()).member_images(epoch, ids)(ids))
    labels = tf.gather(model.reward_set.member_labels, slots)
    return Reward(model.augmented(images, augmentation_seed), model.targets_of(labels))


def _layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Layers with trainable variables, those inside nested models among them."""
    for inner in layer.layers:
        if isinstance(inner, keras.Model):
            yield from _layers(inner)
        elif inner.trainable_variables:
            yield inner
