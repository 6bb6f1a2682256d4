"""From lists of image files to a data set: sources that decode on demand, without the damaged files.

TensorFlow is imported only after the lists were found to be in order.
"""

import collections
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ieg_fsr.data.sources.dataset_spec import Request
from ieg_fsr.data.sources.hold_out import hold_out
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.errors import UserError, refusal
from ieg_fsr.quiet_import import import_tensorflow

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".jp2", ".j2k", ".jpf", ".jpx"),
)
DEFAULT_IMAGE_SIZE = 224
# Longer side up to which images of one size are held as pixels.
SMALL_SIDE = 64
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
    small_as_pixels: bool = False,
    notes: Sequence[str] = (),
    left_out: Mapping[str, int] | None = None,
) -> DataSet:
    """Builds a data set, with a hold-out if there is no test part.

    Args:
      name: value of --dataset.
      class_names: in label order.
      parts: `train`, perhaps `test`, and perhaps further test sets; of paths, or else not `in_files`.
      request: asks for the side of a decoded image (None: 224) and whether a damaged one is an error.
      small_as_pixels: hold images in files that all have one size up to 64x64 as pixels, if no side is asked for.
      notes: lines for the user.
      left_out: what was left out before, by reason.

    Raises:
      UserError: a part without a readable image, or with `strict` any damaged image.
    """
    import_tensorflow()
    from ieg_fsr.data.pipeline.encoded_images import EncodedImages
    from ieg_fsr.data.sources.verification import verified

    sources: dict[str, Any] = {}
    sizes: set[Any] = set()
    reasons: dict[str, str] = {}
    for part, pairs in parts.items():
        items, labels = [item for item, _ in pairs], np.array([label for _, label in pairs], np.int64)
        images = EncodedImages(items, labels, request.image_size or DEFAULT_IMAGE_SIZE, in_files=in_files)
        found = verified(images)
        if not len(found.sound):
            example = "".join(f", such as {images.names[one]} ({why})" for one, why in list(found.reasons.items())[:1])
            rule = f"have {part} images that can be read and decoded"
            raise refusal(f"--dataset={name}", rule, f"{len(images)} images that cannot{example}")
        named = images.names if in_files else [f"{part} {number}" for number in images.names]
        reasons |= {named[one]: why for one, why in found.reasons.items()}
        sources[part] = found.sound
        sizes.add(found.size)
    if request.strict and reasons:
        received = _shortened(list(reasons), 1)
        raise UserError(f"--strict_data wants images that can all be decoded. Received: {received}")
    if small_as_pixels and request.image_size is None and len(sizes) == 1 and None not in sizes:
        sources = {part: _as_pixels(source, *sizes) for part, source in sources.items()}
    notes = [*notes, *left_out_lines(f"--dataset={name}", left_out or {}, reasons)]
    train, test = sources.pop("train"), sources.pop("test", None)
    if test is None:
        train, test, note = hold_out(train, name)
        notes = [*notes, note]
    counts = dict(left_out or {}) | collections.Counter(reasons.values())
    return DataSet(name, train, test, tuple(class_names), sources, tuple(notes), tuple(reasons), counts)


def left_out_lines(argument: str, left_out: Mapping[str, int], reasons: Mapping[str, str]) -> list[str]:
    """What a user reads about files that are left out: a line for what is no image, one for damaged images.

    Args:
      argument: name and value of what gave the data.
      left_out: how many are no images, by reason.
      reasons: why an image cannot be decoded, by its name.
    """
    lines = []
    if left_out:
        lines.append(f"{argument}: left out: {_counted(left_out)}")
    if reasons:
        why, names = _counted(collections.Counter(reasons.values())), _shortened(list(reasons))
        lines.append(f"{len(reasons)} images cannot be decoded and are left out ({why}): {names}")
    return lines


def _counted(counts: Mapping[str, int]) -> str:
    """3 hidden, 2 .txt: the most frequent first."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _as_pixels(images: Any, size: tuple[int, int]) -> Any:
    """The same images decoded, as they are, where they are small."""
    if max(size) > SMALL_SIDE:
        return images
    return ArraySource(images.whole_images(size), images.labels, images.names)


def _shortened(names: Sequence[str], shown: int = _SHOWN_FILES) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
