"""A final Dense layer whose logits are cosines times a factor, of Keras' own layers."""

import keras

from ieg_fsr.methods.ldam import LDAM_SCALE
from ieg_fsr.networks.split import input_structure, split_classifier


def with_cosine_head(classifier: keras.Model, scale: float = 30.0) -> keras.Model:
    """The classifier with another final layer: z_c = s cos(h, w_c) of its features h and a kernel of unit columns w_c.

    The features are brought to length s. The kernel begins with the present one, its columns brought to length 1, and a
    constraint does that again after every step; there is no bias. (Cao et al. 2019, section 3.3; their code divides by
    the lengths in the forward instead.)

    Args: classifier: built, ending in Dense logits; its other layers are shared. scale: s > 0, else UserError.
    """
    LDAM_SCALE.check_argument(scale)
    shared, head = split_classifier(classifier)
    unit = keras.constraints.UnitNorm(axis=0)
    features = keras.layers.UnitNormalization(dtype="float32")(shared.output)
    features = keras.layers.Rescaling(scale, dtype="float32")(features)
    dense = keras.layers.Dense(head.units, use_bias=False, kernel_constraint=unit, dtype="float32", name=head.name)
    logits = dense(features)
    dense.kernel.assign(unit(head.kernel))
    return keras.Model(input_structure(classifier), logits, name=classifier.name)
