"""Cuts a classifier into the part that runs once and the meta part, which the lookahead moves."""

from collections.abc import Iterator
from typing import Any

import keras

from ieg_fsr.errors import refusal
from ieg_fsr.networks.split import Cut, input_structure, split_classifier


def cut_classifier(classifier: keras.Model, meta_layers: str = "dense") -> Cut:
    """Cuts a built Functional or Sequential model that ends in Dense logits.

    Nothing is copied: training a part trains the classifier. `meta_layers` says what belongs to the meta part: "dense"
    (the final Dense layer), "all", or the name of one of `classifier.layers` or its index there: that layer and
    everything that does not come before it.

    Raises:
      UserError: the classifier cannot be split (see `split_classifier`), there is no such layer, or more than its
        input feeds the layers from there up, as inside a residual block.
    """
    dense = split_classifier(classifier)
    if meta_layers == "dense":
        return dense
    if meta_layers == "all":
        inputs = input_structure(classifier)
        return Cut(keras.Model(inputs, inputs), classifier)
    position = _position(classifier, meta_layers)
    if cut := _cut_at(classifier, classifier.layers[position]):
        return cut
    usable = _usable(classifier)
    near = [name for p, name in usable if p < position][-1:] + [name for p, name in usable if p > position][:1]
    rule = "be dense, all or a layer whose input alone feeds everything from there up, such as"
    raise refusal("--meta_layers", f"{rule} {' or '.join(near)} next to it", meta_layers)


def _position(classifier: keras.Model, name_or_index: str) -> int:
    """Where in `classifier.layers` the layer is."""
    names = [layer.name for layer in classifier.layers]
    if name_or_index in names:
        return names.index(name_or_index)
    if name_or_index.removeprefix("-").isdecimal() and -len(names) <= int(name_or_index) < len(names):
        return int(name_or_index) % len(names)
    usable = ", ".join(name for _, name in _usable(classifier))
    raise refusal("--meta_layers", f"be dense, all, an index in 0..{len(names) - 1} or one of {usable}", name_or_index)


def _usable(classifier: keras.Model) -> list[tuple[int, str]]:
    """Positions and names of the layers with parameters at which the classifier can be cut."""
    layers = enumerate(classifier.layers)
    return [(i, layer.name) for i, layer in layers if layer.trainable_variables and _cut_at(classifier, layer)]


def _cut_at(classifier: keras.Model, layer: keras.layers.Layer) -> Cut | None:
    """The cut at the input of a layer, or None where there is none.

    What has several inputs and no parameters, such as the sum at the end of a block, is cut at its output: to the meta
    part it is all one.
    """
    [logits] = classifier.outputs
    for node in calls_below(logits):
        if node.operation is not layer:
            continue
        single = len(node.input_tensors) == 1
        if not single and (layer.variables or len(node.outputs) > 1):
            continue
        features = node.input_tensors[0] if single else node.outputs[0]
        above = list(calls_below(logits, stop=features))
        below = [other.operation for other in calls_below(features)]
        if not any(other.is_input or other.operation in below for other in above):
            return Cut(keras.Model(input_structure(classifier), features), keras.Model(features, logits))
    return None


def calls_below(tensor: keras.KerasTensor, stop: keras.KerasTensor | None = None) -> Iterator[Any]:
    """The calls of layers that lead to a tensor, each once, without those that only lead to `stop`."""
    waiting, seen = [tensor], set()
    while waiting:
        tensor = waiting.pop()
        operation, node_index, _ = tensor._keras_history
        node = operation._inbound_nodes[node_index]
        if tensor is stop or id(node) in seen:
            continue
        seen.add(id(node))
        waiting += node.input_tensors
        yield node
