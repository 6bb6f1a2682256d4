"""Training data from a folder of images, for the API; the command line has `--dataset=folder:DIR`."""

import os
import pathlib
import warnings
from collections.abc import Sequence

import numpy as np

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.classes import numbers_of_present, relabelled
from ieg_fsr.data.sources.folder import LeftOut, images_of_classes, labelled_images
from ieg_fsr.data.sources.image_lists import DEFAULT_IMAGE_SIZE, left_out_lines
from ieg_fsr.data.sources.verification import verified
from ieg_fsr.errors import UserError


def examples_from_directory(
    directory: str | os.PathLike,
    image_size: int = DEFAULT_IMAGE_SIZE,
    batch_size: int = 100,
    seed: int = 0,
    class_names: Sequence[str] | None = None,
) -> Examples:
    """Training data from directory/CLASS/IMAGE, for `FSR.fit`; labels are the classes in the order of their names.

    Images stay in their files. Training sees random crops, the reward dictionary too; `evaluate`, `predict` and
    `validation_data` see centre crops. All are uint8 [S, S, 3], 0..255: scaling belongs into the classifier. Files
    that are no images or cannot be decoded are left out with a warning. `examples.source.names` has the paths by
    example id.

    Args:
        directory: with a folder for each class; jpg, png, bmp, gif, webp (their first frame), tif or jp2 of any size.
        image_size: S.
        batch_size: B.
        seed: of shuffle and crops.
        class_names: of other data whose model these are for, in order; None takes the folders' names.

    Raises:
        UserError: no such directory, fewer than two classes, a class without images, a folder that is none of
            `class_names`, no image that can be decoded, a batch larger than the data.
    """
    root = pathlib.Path(os.path.expanduser(directory))
    argument = f"directory={directory}"
    if not root.is_dir():
        raise UserError(f"directory must be an existing one. Received: {directory}")
    if image_size < 1:
        raise UserError(f"image_size must be at least 1. Received: {image_size}")
    left_out = LeftOut()
    if class_names is None:
        names, listed = labelled_images(argument, root, left_out)
    else:
        names, listed = list(class_names), images_of_classes(argument, root, class_names, left_out)
    labels = np.array([label for _, label in listed], np.int64)
    images = EncodedImages([path for path, _ in listed], labels, image_size)
    found = verified(images)
    if not len(found.sound):
        raise UserError(f"{argument} must hold images that can be decoded. Received: {len(images)} that cannot")
    reasons = {images.names[one]: reason for one, reason in found.reasons.items()}
    for line in left_out_lines(argument, left_out, reasons):
        warnings.warn(line, stacklevel=2)
    source = found.sound
    if class_names is None:
        # A class whose images are all damaged is none.
        number_of = numbers_of_present(source.labels, len(names))
        source, names = relabelled(source, number_of), [names[label] for label in np.flatnonzero(number_of >= 0)]
    examples = Examples(source, source.labels, batch_size, seed)
    examples.class_names = tuple(names)
    return examples
