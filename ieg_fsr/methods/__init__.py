"""Training methods as Keras models: `Supervised`, and what differs from it in its losses, its weights or its networks.

The names are plain strings, so that the command line can check ``--method`` without waiting for TensorFlow;
`training.build` makes the models.
"""

# name on the command line -> what it is, and who described it
METHODS: dict[str, str] = {
    "fsr": "fast sample re-weighting from a dictionary of trusted training examples (Zhang & Pfister 2021)",
    "l2r": "learning to re-weight from clean images, whole network (Ren et al. 2018)",
    "mwn": "Meta-Weight-Net: a network from loss to weight, learned from clean images (Shu et al. 2019)",
    "supervised": "cross-entropy",
    "gce": "generalised cross-entropy (Zhang & Sabuncu 2018)",
    "elr": "early-learning regularisation (Liu et al. 2020)",
    "forward_correction": "cross-entropy through the noise transition matrix (Patrini et al. 2017)",
    "coteaching": "two networks that choose each other's samples (Han et al. 2018)",
    "cb_softmax": "class-balanced cross-entropy (Cui et al. 2019)",
    "cb_sigmoid": "class-balanced binary cross-entropy (Cui et al. 2019)",
    "cb_focal": "class-balanced focal loss of sigmoids (Cui et al. 2019)",
    "focal": "focal loss of softmax probabilities (Lin et al. 2017)",
}

# Those that choose a reward source, a depth of the meta part and a weight rule.
REWEIGHTING = ("fsr", "l2r", "mwn")

# What these keep of a sample, or whether they trust it, has no meaning for two samples mixed.
WITHOUT_MIXUP = ("elr", "coteaching")
