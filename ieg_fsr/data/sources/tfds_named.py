"""Any image data set that tensorflow_datasets has prepared, by its name there."""

import math
from typing import Any

import numpy as np

from ieg_fsr.data.sources import own_data
from ieg_fsr.data.sources.dataset_spec import DataSetSpec, Request
from ieg_fsr.data.sources.hold_out import hold_out
from ieg_fsr.data.sources.image_lists import SMALL_SIDE, Labelled, data_set
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.data.sources.prepared_tree import check_prepared_tree, descriptions
from ieg_fsr.errors import UserError

# Everything is held in memory: small images as pixels, others as they are encoded.
LARGEST_BYTES = 4 * 2**30
_TEST_NAMES = ("test", "validation")


def load_tfds_named(request: Request) -> DataSet:
    """Loads the split `train` and the first with labels of `test` and `validation`, else a hold-out.

    Images of one size up to 64x64 are held as pixels, unless `image_size` is given; others stay encoded, in memory,
    and are decoded when they are needed. Nothing is downloaded.

    `request.place` is NAME, NAME/CONFIG or NAME:VERSION of a data set with an image and a class label, `data_dir` the
    root of the prepared trees; None: the default of tensorflow_datasets.

    Raises:
      UserError: not prepared, another kind of data, or more than 4 GiB.
    """
    dataset = f"tfds:{request.place}"
    builder = _builder(dataset, request.place, request.data_dir)
    image_key, label_key = _keys(dataset, builder.info)
    # A data set that is not prepared knows no splits: reading will tell.
    known = list(builder.info.splits) or ["train", "test"]
    if "train" not in known:
        raise UserError(f"--dataset={dataset} must have a split train. Received: {', '.join(known)}")
    splits = ["train", *(split for split in _TEST_NAMES if split in known)]
    shape = builder.info.features[image_key].shape
    as_pixels = request.image_size is None and None not in shape and max(shape[:2]) <= SMALL_SIDE
    _check_size(dataset, builder.info, splits, shape if as_pixels else None)
    train, *tests = [_examples(dataset, builder, split, image_key, label_key, as_pixels) for split in splits]
    read = {"train": train}
    if with_labels := [test for test in tests if test]:
        read["test"] = with_labels[0]
    class_names = tuple(builder.info.features[label_key].names)
    notes = _notes(dataset, class_names, train)
    if not as_pixels:
        return data_set(dataset, class_names, read, request, in_files=False, notes=notes)
    columns = {part: list(zip(*pairs, strict=True)) for part, pairs in read.items()}
    sources = {part: ArraySource(np.stack(images), np.array(labels)) for part, (images, labels) in columns.items()}
    if "test" in sources:
        return DataSet(dataset, sources["train"], sources["test"], class_names, notes=notes)
    rest, held_out, note = hold_out(sources["train"], dataset)
    return DataSet(dataset, rest, held_out, class_names, notes=(*notes, note))


def image_side(name: str, data_dir: str | None) -> int | None:
    """The longer side of the images, if they have one size up to 64x64; asks the prepared tree's description only."""
    for _, content in descriptions(name.replace(":", "/"), data_dir):
        try:
            features = content["featuresDict"]["features"]
            shapes = [one["image"]["shape"]["dimensions"] for one in features.values() if "image" in one]
            sides = [int(side) for side in shapes[0][:2]]
        except (ValueError, KeyError, IndexError, TypeError):
            continue
        return max(sides) if min(sides) > 0 and max(sides) <= SMALL_SIDE else None
    return None


def _builder(dataset: str, name: str, data_dir: str | None) -> Any:
    check_prepared_tree(name, data_dir)
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=data_dir)
    except Exception as error:  # Unknown names, versions and damaged trees fail in many ways.
        cause = " ".join(str(error).split())[:150] or type(error).__name__
        raise UserError(f"--dataset={dataset} must be a data set of tensorflow_datasets. Received: {cause}") from error


def _keys(dataset: str, info: Any) -> tuple[str, str]:
    """Names of the image and of the label among the features."""
    import tensorflow_datasets as tfds

    features = info.features
    keys = info.supervised_keys if info.supervised_keys and len(info.supervised_keys) == 2 else ("image", "label")
    known = set(features.keys()) if hasattr(features, "keys") else set()
    image, label = (features[key] if key in known else None for key in keys)
    if not isinstance(image, tfds.features.Image) or not isinstance(label, tfds.features.ClassLabel):
        raise UserError(f"--dataset={dataset} must have the features image and label, one class for each image. "
                        f"Received: {', '.join(sorted(known)) or type(features).__name__}")  # fmt: skip
    return keys[0], keys[1]


def _check_size(dataset: str, info: Any, splits: list[str], shape: tuple[int, int, int] | None) -> None:
    """The limit of what is held in memory."""
    if not info.splits:
        return  # Reading will tell that nothing is prepared.
    if shape is None:
        size = sum(info.splits[split].num_bytes for split in splits)
    else:
        size = sum(info.splits[split].num_examples for split in splits) * math.prod(shape)
    if size > LARGEST_BYTES:
        raise UserError(f"--dataset={dataset} must be at most {LARGEST_BYTES / 2**30:g} GiB, for it is held in memory; "
                        f"a larger one can be given as folder:DIR. Received: {size / 2**30:.1f} GiB")  # fmt: skip


def _examples(dataset: str, builder: Any, split: str, image_key: str, label_key: str, as_pixels: bool) -> Labelled:
    """Images, as pixels or encoded, and labels, in the fixed order of the files; without a label left out."""
    import tensorflow_datasets as tfds

    decoders = None if as_pixels else {image_key: tfds.decode.SkipDecoding()}
    try:
        read = builder.as_dataset(split=split, decoders=decoders, shuffle_files=False)
        pairs = [(row[image_key], int(row[label_key])) for row in tfds.as_numpy(read)]
    except AssertionError:
        raise UserError(
            f"--dataset={dataset} must have been prepared, by `tfds build {builder.name}`, in --data_dir or in "
            f"tensorflow_datasets' own directory. Received: nothing in {builder.data_path}"
        ) from None
    except Exception as error:  # A damaged tree fails in many ways.
        cause = " ".join(str(error).split())[:150] or type(error).__name__
        raise UserError(f"--dataset={dataset} must be a whole prepared tree. Received: {cause}") from error
    return [(image, label) for image, label in pairs if label >= 0]


def _notes(dataset: str, class_names: tuple[str, ...], train: Labelled) -> tuple[str, ...]:
    """A line about classes of the data set's that have no example here."""
    empty = len(class_names) - len({label for _, label in train})
    return (f"--dataset={dataset}: {empty} of its {len(class_names)} classes have no training example",) * (empty > 0)


SPEC = DataSetSpec(
    "tfds",
    "what tensorflow_datasets has prepared, up to 4 GiB",
    load_tfds_named,
    own_data.recipe,
    place="NAME",
    resizes=True,
    image_side=image_side,
)
