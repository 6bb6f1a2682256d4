"""A classifier on a backbone: a network of features, put behind raw pixels of any size and below a new final layer."""

import contextlib
import functools
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import keras

from ieg_fsr.errors import UserError, refusal
from ieg_fsr.networks import applications
from ieg_fsr.networks.applications import CHANNELS, PREFIX, no_fit
from ieg_fsr.networks.layers import policy, resized
from ieg_fsr.networks.parameter_files import settled_names

_ACTIVATIONS = (keras.layers.Activation, keras.layers.Softmax)


def application_classifier(
    application: str,
    image_shape: tuple[int, int, int],
    num_classes: int,
    seed: int,
    precision: str | None,
    input_size: int | None,
    imagenet: bool,
) -> keras.Model:
    """A classifier on one of `APPLICATIONS`; arguments and errors are those of `build_network`."""
    height, width = (input_size, input_size) if input_size else image_shape[:2]
    with policy(precision), seeded(seed):
        body = applications.build_application(application, (height, width, CHANNELS), imagenet=imagenet)
        return classifier_on(
            body,
            image_shape,
            num_classes,
            name=f"{PREFIX}{application}",
            seed=seed,
            input_size=input_size,
            prepare=functools.partial(applications.prepared, application),
            correct=functools.partial(applications.corrected, application, imagenet),
        )


def classifier_on(
    body: keras.Model,
    image_shape: tuple[int, int, int],
    num_classes: int,
    *,
    name: str,
    seed: int = 0,
    precision: str | None = None,
    input_size: int | None = None,
    prepare: Callable[[keras.KerasTensor], keras.KerasTensor] = lambda images: images,
    correct: Callable[[keras.Operation, keras.KerasTensor], keras.KerasTensor] = lambda layer, outputs: outputs,
    draw: bool = False,
) -> keras.Model:
    """Raw pixels [B, H, W, 1 or 3] to float32 logits [B, C], through copies of the layers of a backbone, all flat.

    Grey images get three channels where the backbone takes these.

    Args:
      body: Functional, images [B, h, w, c] to features [B, D].
      name: value of --network, for messages.
      seed: of the final layer, and of all parameters where they are drawn.
      precision: dtype policy of the backbone's layers; None leaves them their own.
      input_size: side to which images are resized first; None leaves them.
      prepare: puts layers before the backbone.
      correct: from a layer of the backbone and its outputs to what the next one takes.
      draw: whether parameters are drawn anew; else they are the backbone's.

    Raises:
      UserError: the backbone does not take images of this shape.
    """
    with seeded(seed):
        pixels = keras.Input(tuple(image_shape))
        taken = {layer.name for layer in body.layers}
        free = lambda wanted: next(name for n in itertools.count() if (name := wanted + n * "_") not in taken)  # noqa: E731
        images = resized(pixels, input_size, free("resized"))
        wanted = body.inputs[0].shape[-1]
        if images.shape[-1] == 1 and wanted == CHANNELS:
            images = keras.layers.Concatenate(dtype="float32", name=free("three_channels"))([images] * CHANNELS)
        if len(body.inputs[0].shape) != 4 or wanted not in (None, images.shape[-1]):
            raise no_fit(name, images.shape[1:])
        images = prepare(images)

        def call(layer: keras.Operation, *args: Any, **kwargs: Any) -> keras.KerasTensor:
            outputs = correct(layer, layer(*[images if one is pixels else one for one in args], **kwargs))
            if any(0 in one.shape[1:] for one in keras.tree.flatten(outputs)):
                raise no_fit(name, images.shape[1:])
            return outputs

        try:
            copies = _Copies(body, precision, draw)
            copy = keras.models.clone_model(body, input_tensors=pixels, clone_function=copies.of, call_function=call)
            if not draw:
                copies.take_over_parameters()
        except ValueError as error:
            raise error if isinstance(error, UserError) else no_fit(name, images.shape[1:], error) from None
        dense = keras.layers.Dense(num_classes, dtype="float32", name=free("logits"))
        return keras.Model(pixels, dense(copy.output), name=body.name)


def features_of(model: keras.Model, name: str) -> keras.Model:
    """What of a saved model is the backbone: images to features [B, D], everything below its final Dense layer.

    A model without a final Dense layer gives its output, averaged over positions.

    Args: name: for messages.

    Raises:
      UserError: it is subclassed, or has several inputs or outputs.
    """
    outputs = getattr(model, "outputs", None) or []
    if len(outputs) != 1 or len(model.inputs) != 1 or not hasattr(outputs[0], "_keras_history"):
        raise refusal(
            f"--network={name}", "be a Functional or Sequential model of one input and one output", model.name
        )
    features, layer = outputs[0], outputs[0]._keras_history.operation
    while isinstance(layer, _ACTIVATIONS):
        features, layer = layer.input, layer.input._keras_history.operation
    features = layer.input if isinstance(layer, keras.layers.Dense) else outputs[0]
    if len(features.shape) == 4:
        features = keras.layers.GlobalAveragePooling2D()(features)
    if len(features.shape) != 2:
        raise refusal(f"--network={name}", "give features of shape [batch, width]", tuple(features.shape))
    return keras.Model(model.inputs[0], features, name=model.name)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """In this context Keras' initializers and random layers without a seed of their own take theirs from this one.

    They ask Python's `random`, whose state is afterwards what it was.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


class _Copies:
    """Copies of the layers of a network."""

    def __init__(self, network: keras.Model, precision: str | None, draw: bool) -> None:
        self._precision, self._draw = precision, draw
        names = settled_names([layer.name for layer in network.layers])
        self._names = dict(zip(map(id, network.layers), names, strict=True))
        self._pairs: list[tuple[keras.Operation, keras.Operation]] = []

    def of(self, layer: keras.Operation) -> keras.Operation:
        """A layer of the same settings; what scales pixels does so in float32, for bfloat16 has 8 bits."""
        config = _without_seeds(layer.get_config()) if self._draw else layer.get_config()
        config["name"] = self._names.get(id(layer), layer.name)
        if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
            config["dtype"] = "float32"
        elif self._precision and "dtype" in config:
            config["dtype"] = self._precision
        self._pairs.append((layer, type(layer).from_config(config)))
        return self._pairs[-1][1]

    def take_over_parameters(self) -> None:
        """Gives the copies the parameters of what they are copies of."""
        for layer, copy in self._pairs:
            if isinstance(layer, keras.Layer):
                copy.set_weights(layer.get_weights())


def _without_seeds(config: Any) -> Any:
    """Settings of a layer whose initializers have no seeds of their own, which would draw the same again."""
    if isinstance(config, dict):
        return {name: None if name == "seed" else _without_seeds(value) for name, value in config.items()}
    return config
