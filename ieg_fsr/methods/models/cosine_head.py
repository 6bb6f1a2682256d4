"""A final Dense layer whose logits are cosines times a factor, of Keras' own layers."""

import math

import keras

from ieg_fsr.methods.ldam import LDAM_SCALE
from ieg_fsr.networks.split import input_structure, split_classifier


def with_cosine_head(classifier: keras.Model, scale: float = 30.0) -> keras.Model:
    """The classifier with another final layer: z_c = s cos(h, w_c) of its features h and columns w_c of a kernel.

    (Cao et al. 2019, section 3.3.) Features and columns are brought to length sqrt(s) each, the columns by a constraint
    after every step; there is no bias. Their code divides by the length of a column in the forward instead, and the
    columns grow until a step turns them by little. Of a fixed length that has to be so from the start: with columns of
    length 1 a step turns them s times as far, and on digits of imbalance 100 the balanced accuracy is .76 in place of
    .86 (two seeds).

    Args: classifier: built, ending in Dense logits; its other layers are shared. scale: s > 0, else UserError.
    """
    LDAM_SCALE.check_argument(scale)
    shared, head = split_classifier(classifier)
    length = math.sqrt(scale)
    of_length = keras.constraints.MinMaxNorm(length, length, axis=0)
    features = keras.layers.UnitNormalization(dtype="float32")(shared.output)
    features = keras.layers.Rescaling(length, dtype="float32")(features)
    dense = keras.layers.Dense(head.units, use_bias=False, kernel_constraint=of_length, dtype="float32", name=head.name)
    logits = dense(features)
    dense.kernel.assign(of_length(head.kernel))
    return keras.Model(input_structure(classifier), logits, name=classifier.name)
