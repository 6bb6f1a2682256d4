"""What a classifier takes: one input, and whether halves of two of them can be added."""

import keras

from ieg_fsr.errors import refusal

# Layers whose input is a number or a text that stands for something.
_OF_TOKENS = (
    keras.layers.Embedding,
    keras.layers.TextVectorization,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
    keras.layers.Hashing,
    keras.layers.CategoryEncoding,
)


def check_single_input(classifier: keras.Model) -> None:
    """Checks that a built classifier takes one tensor.

    Raises:
        UserError: it has several inputs.
    """
    if len(classifier.inputs) != 1:
        rule = "have one input: put several together into one array and take them apart inside"
        model = f"{type(classifier).__name__} '{classifier.name}' with {len(classifier.inputs)} inputs"
        raise refusal("classifier", rule, model)


def keeps_input_type(classifier: keras.Model) -> bool:
    """Whether the input is declared as integers or texts, `keras.Input(dtype="int32")`: it is no float then."""
    return not keras.backend.is_float_dtype(classifier.inputs[0].dtype)


def takes_tokens(classifier: keras.Model) -> bool:
    """Whether the input is integers or texts, as declared, or by the first layers (embedding, look-up)."""
    return keeps_input_type(classifier) or _tokens_first(classifier)


def _tokens_first(model: keras.Model) -> bool:
    """Whether what enters the model goes into a layer of tokens, perhaps inside a nested model."""
    entering = [id(tensor) for tensor in model.inputs]
    for layer in model.layers:
        fed = any(id(tensor) in entering for node in layer._inbound_nodes for tensor in node.input_tensors)
        if fed and (isinstance(layer, _OF_TOKENS) or (isinstance(layer, keras.Model) and _tokens_first(layer))):
            return True
    return False
