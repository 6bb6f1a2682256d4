"""`--freeze`: layers of a classifier that keep the parameters which they begin with."""

import difflib

import keras

from ieg_fsr.errors import refusal
from ieg_fsr.networks.cut import calls_below
from ieg_fsr.networks.split import split_classifier

NONE, BACKBONE = "none", "backbone"


def freeze(classifier: keras.Model, until: str) -> None:
    """Makes layers of a built classifier untrainable; batch normalisation among them goes by its kept statistics.

    Args:
      until: "none"; "backbone", all layers but the final one; or the name of one of `classifier.layers`: it and all
        that lead to it.

    Raises:
      UserError: there is no such layer, or none is left that training could move.
    """
    if until == NONE:
        return
    head = split_classifier(classifier).above
    names = [layer.name for layer in classifier.layers]
    if until == BACKBONE:
        frozen = [layer for layer in classifier.layers if layer is not head]
    elif until in names:
        frozen = [call.operation for call in calls_below(classifier.get_layer(until).output)]
    else:
        near = difflib.get_close_matches(until, names, 3, 0.0)
        raise refusal("--freeze", f"be none, backbone or a layer of the network, such as {', '.join(near)}", until)
    for layer in frozen:
        layer.trainable = False
    check_trainable(classifier, "--freeze", until)


def check_trainable(classifier: keras.Model, subject: str, received: object) -> None:
    """Raises UserError if nothing of a classifier is trainable. Args: subject, received: of the message."""
    if not classifier.trainable_variables:
        raise refusal(subject, "leave a layer trainable", received)
