"""From lists of image files to a data set: sources that decode on demand, without the damaged files.

TensorFlow is imported only after the lists were found to be in order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ieg_fsr.data.sources.dataset_spec import Request
from ieg_fsr.data.sources.hold_out import hold_out
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import UserError, refusal
from ieg_fsr.quiet_import import import_tensorflow

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
DEFAULT_IMAGE_SIZE = 224
_SHOWN_FILES = 20


# Images with their labels: paths, contents of image files, or arrays of pixels.
Labelled = Sequence[tuple[Any, int]]


def data_set(
    name: str,
    class_names: Sequence[str],
    parts: Mapping[str, Labelled],
    request: Request,
    *,
    in_files: bool = True,
    notes: Sequence[str] = (),
) -> DataSet:
    """Builds a data set, with a hold-out if there is no test part.

    Args:
      name: value of --dataset.
      class_names: in label order.
      parts: `train`, perhaps `test`, and perhaps further test sets; of paths, or else not `in_files`.
      request: asks for the side of a decoded image (None: 224) and whether a damaged one is an error.
      notes: lines for the user.

    Raises:
      UserError: a part without a readable image, or with `strict` any damaged image.
    """
    import_tensorflow()
    from ieg_fsr.data.pipeline.encoded_images import EncodedImages

    sources: dict[str, Any] = {}
    damaged: list[str] = []
    for part, pairs in parts.items():
        items, labels = [item for item, _ in pairs], np.array([label for _, label in pairs], np.int64)
        found = EncodedImages(items, labels, request.image_size or DEFAULT_IMAGE_SIZE, in_files=in_files)
        sources[part], names = _sound_images(found, name, part)
        damaged += names
        if request.strict and names:
            raise UserError(f"--strict_data wants images that can all be decoded. Received: {_shortened(names, 1)}")
    if damaged:
        notes = [*notes, f"{len(damaged)} images cannot be decoded and are left out: {_shortened(damaged)}"]
    train, test = sources.pop("train"), sources.pop("test", None)
    if test is None:
        train, test, note = hold_out(train, name)
        notes = [*notes, note]
    return DataSet(name, train, test, tuple(class_names), sources, tuple(notes), tuple(damaged))


def _sound_images(images: Any, dataset: str, part: str) -> tuple[Any, list[str]]:
    """The images that can be decoded, and the names of the others."""
    from ieg_fsr.data.sources.verification import damaged_ids

    damaged = damaged_ids(images)
    if len(damaged) == len(images):
        example = images.names[0] if len(images) else "none"
        rule = f"have {part} images that can be read and decoded"
        raise refusal(f"--dataset={dataset}", rule, f"{len(images)} images that cannot, such as {example}")
    if not len(damaged):
        return images, []
    names = images.names if images.in_files else [f"{part} {name}" for name in images.names]
    return images.take(np.setdiff1d(np.arange(len(images)), damaged)), [names[i] for i in damaged]


def _shortened(names: Sequence[str], shown: int = _SHOWN_FILES) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
