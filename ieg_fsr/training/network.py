"""The network of a run, as its settings say: `--network`, `--input_size`, `--init`, `--freeze`, `--precision`."""

import functools
import os
from collections.abc import Callable

import keras

from ieg_fsr.errors import UserError, refusal
from ieg_fsr.evaluation.evaluate import load_classifier
from ieg_fsr.networks import FILE_PREFIX, IMAGENET, NO_INIT, build_network
from ieg_fsr.networks.applications import PREFIX
from ieg_fsr.networks.backbones import classifier_on, features_of
from ieg_fsr.networks.freezing import freeze
from ieg_fsr.networks.parameter_files import take_over
from ieg_fsr.setting import Config


def network_of(config: Config, image_shape: tuple[int, int, int], num_classes: int) -> Callable[[int], keras.Model]:
    """From a seed to a classifier of raw pixels [B, *image_shape], with the parameters and layers that training moves.

    The seed draws what no file gives.

    Raises:
      UserError: here or when it is called: a file that cannot be read or is of another network, weights that cannot be
        fetched, images that do not fit, a layer that is not there, or none left to train.
    """
    init = config.init or _natural_init(config.network)
    if config.network.startswith(FILE_PREFIX):
        body = _body_of(config.network)
        build = functools.partial(
            classifier_on, body, name=config.network, precision=config.precision, draw=init == NO_INIT
        )
    else:
        build = functools.partial(build_network, config.network, precision=config.precision, imagenet=init == IMAGENET)

    def network(seed: int) -> keras.Model:
        classifier = build(image_shape, num_classes, seed=seed, input_size=config.input_size)
        if init not in (None, NO_INIT, IMAGENET):
            take_over(classifier, init, config.network)
        freeze(classifier, config.freeze)
        return classifier

    return network


def _natural_init(network: str) -> str | None:
    """What a network begins with where nobody says: an application with ImageNet's weights, a file with its own."""
    return IMAGENET if network.startswith(PREFIX) else None


def _body_of(network: str) -> keras.Model:
    path = network.removeprefix(FILE_PREFIX)
    if not os.path.isfile(path):
        raise refusal("--network", f"be {FILE_PREFIX} and an existing .keras or .h5 file", network)
    try:
        model = load_classifier(path)
    except UserError as error:
        raise UserError(str(error).replace("--model", "--network", 1)) from None
    return features_of(model, network)
