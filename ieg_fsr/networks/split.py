"""Splits a classifier into its shared part and the final Dense layer, the meta part of FSR by default."""

from typing import NamedTuple

import keras

from ieg_fsr.errors import refusal


class Cut(NamedTuple):
    """classifier(x) = above(below(x)), made of the classifier's own layers and variables.

    The shared part goes from the classifier's input to features [B, ...], the meta part from there to logits [B, C].
    """

    below: keras.Model
    above: keras.layers.Layer


def split_classifier(classifier: keras.Model) -> Cut:
    """Splits a built Functional or Sequential model before the Dense layer without activation in which it ends.

    The last layer may be a Functional or Sequential model that ends this way itself. Nothing is copied: training
    either part trains the classifier.

    Raises:
      UserError: the classifier is not built or subclassed, has several outputs, or does not end in Dense logits.
    """
    if not isinstance(classifier, keras.Model):
        raise refusal("classifier", "be a keras.Model", type(classifier).__name__)
    outputs = getattr(classifier, "outputs", None)  # missing before a Sequential model is built, and when subclassed
    if not outputs or not all(hasattr(output, "_keras_history") for output in outputs):
        advice, what = "make it keras.Model(inputs, outputs)", "subclassed"
        if isinstance(classifier, keras.Sequential):
            advice, what = "start it with keras.Input(shape)", "not built"
        rule = f"be a Functional or built Sequential Keras model: {advice}"
        raise refusal("classifier", rule, f"{_describe(classifier)}, {what}")
    if len(outputs) != 1:
        raise refusal("classifier", "have one output, its logits", f"{_describe(classifier)} with {len(outputs)}")
    features, head = _features_and_head(outputs[0])
    shared = keras.Model(input_structure(classifier), features, name=f"{classifier.name}_shared")
    if any(variable is head.kernel for variable in shared.variables):
        raise refusal("classifier", "use its final Dense layer once", f"{_describe(head)} used twice")
    return Cut(shared, head)


def _features_and_head(logits: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.layers.Dense]:
    """Walks back from symbolic logits over the layer that made them, into nested models."""
    layer, node_index, tensor_index = logits._keras_history
    call = layer._inbound_nodes[node_index]
    if isinstance(layer, keras.Model) and getattr(layer, "outputs", None):
        inner_features, head = _features_and_head(layer.outputs[tensor_index])
        inner = keras.Model(input_structure(layer), inner_features, name=f"{layer.name}_shared")
        return inner(*call.arguments.args, **call.arguments.kwargs), head
    _check_head(layer)
    features = call.input_tensors[0]
    if len(features.shape) != 2:
        rule = "give its final Dense layer features of shape [batch, width]"
        raise refusal("classifier", rule, f"{_describe(layer)} on features of shape {tuple(features.shape)}")
    return features, layer


def _check_head(layer: keras.Operation) -> None:
    if not isinstance(layer, keras.layers.Dense):
        rule = "end in a Dense layer that returns logits, without softmax or another layer after it"
        raise refusal("classifier", rule, f"last layer {_describe(layer)}")
    if layer.activation is not keras.activations.linear:
        activation = getattr(layer.activation, "__name__", str(layer.activation))
        rule = "return logits: build its final Dense layer with activation=None"
        raise refusal("classifier", rule, f"{_describe(layer)} with activation {activation}")
    if layer.units < 2:
        rule = "return a logit for each class, two for a yes and a no"
        raise refusal("classifier", rule, f"{_describe(layer)} with one unit")


def input_structure(model: keras.Model) -> keras.KerasTensor | list | dict:
    """The symbolic inputs as the model takes them: one tensor, a list or a dictionary."""
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def _describe(layer: keras.Operation) -> str:
    return f"{type(layer).__name__} '{layer.name}'"
