"""Training data from a folder of images, for the API; the command line has `--dataset=folder:DIR`."""

import os
import pathlib
import warnings
from collections.abc import Sequence

import numpy as np

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.folder import images_of_classes, labelled_images
from ieg_fsr.data.sources.image_lists import DEFAULT_IMAGE_SIZE
from ieg_fsr.data.sources.verification import damaged_ids
from ieg_fsr.errors import UserError

_SHOWN_FILES = 3


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
    that cannot be decoded are left out with a warning. `examples.source.names` has the paths by example id.

    Args:
        directory: with a folder for each class; jpg, png, bmp, gif (first frame) or webp of any size.
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
    if class_names is None:
        class_names, listed = labelled_images(argument, root)
    else:
        listed = images_of_classes(argument, root, class_names)
    labels = np.array([label for _, label in listed], np.int64)
    found = EncodedImages([path for path, _ in listed], labels, image_size)
    damaged = damaged_ids(found)
    if len(damaged) == len(found):
        raise UserError(f"{argument} must hold images that can be decoded. Received: {len(found)} that cannot")
    if len(damaged):
        shown = ", ".join(found.names[i] for i in damaged[:_SHOWN_FILES])
        warnings.warn(f"{len(damaged)} images cannot be decoded and are left out: {shown}", stacklevel=2)
        found = found.take(np.setdiff1d(np.arange(len(found)), damaged))
    examples = Examples(found, found.labels, batch_size, seed)
    examples.class_names = tuple(class_names)
    return examples
