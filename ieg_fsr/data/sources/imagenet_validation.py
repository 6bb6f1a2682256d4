"""The validation images of ImageNet (ILSVRC 2012) of some classes, in the layouts in which people keep them.

Labels are positions in the sorted list of the WordNet ids, as everywhere but in the original development kit.
"""

import csv
import pathlib

from ieg_fsr.data.sources.image_lists import EXTENSIONS, Labelled
from ieg_fsr.errors import UserError

_FOLDERS = (".", "val", "ILSVRC2012_img_val", "ILSVRC/Data/CLS-LOC/val")
_NAME_LABEL_LISTS = ("val.txt", "caffe/val.txt")
_WNID_LISTS = ("imagenet_2012_validation_labels.txt", "synset_labels.txt")
_KAGGLE_LIST = "LOC_val_solution.csv"


def find_imagenet_validation(root: pathlib.Path, wnids: list[str] | None, num_classes: int) -> Labelled | None:
    """Images and labels below C, in the order of the names, of ImageNet's validation set; None if there are no images.

    They are in `root`, which may not exist, or in its folders `val` or `ILSVRC2012_img_val`: `WNID/NAME.JPEG`, or flat
    `ILSVRC2012_val_00000001.JPEG` with a list in `root`: `val.txt` (lines `NAME LABEL`), or
    `imagenet_2012_validation_labels.txt` or `synset_labels.txt` (a WNID a line, in the order of the names), or
    `LOC_val_solution.csv` (Kaggle). `wnids` are of the classes, in label order; None: the first of the folders, sorted.

    Raises:
      UserError: flat images without a list.
    """
    for folder in (root / name for name in _FOLDERS):
        by_class = _by_class(folder, wnids, num_classes)
        if by_class is not None:
            return by_class
        flat = sorted(folder.glob("ILSVRC2012_val_*.JPEG")) if folder.is_dir() else []
        if flat:
            return _labelled(flat, root, wnids, num_classes)
    return None


def _by_class(folder: pathlib.Path, wnids: list[str] | None, num_classes: int) -> Labelled | None:
    """Images in folders named by WordNet id."""
    found = sorted(path.name for path in folder.glob("n[0-9]*") if path.is_dir())
    if not found:
        return None
    pairs: list[tuple[str, int]] = []
    for label, wnid in enumerate(wnids or found[:num_classes]):
        images = sorted(path for path in (folder / wnid).glob("*") if path.suffix.lower() in EXTENSIONS)
        pairs += [(str(path), label) for path in images]
    return pairs or None


def _labelled(flat: list[pathlib.Path], root: pathlib.Path, wnids: list[str] | None, num_classes: int) -> Labelled:
    """Flat images with the labels of the first list that is there."""
    label_of = _labels_by_name(flat, root, wnids)
    labelled = [(str(path), label_of.get(path.name, num_classes)) for path in flat]
    return [(path, label) for path, label in labelled if label < num_classes]


def _labels_by_name(flat: list[pathlib.Path], root: pathlib.Path, wnids: list[str] | None) -> dict[str, int]:
    for name in _NAME_LABEL_LISTS:
        if (root / name).is_file():
            return dict(_name_and_label(root / name, line) for line in _text(root / name).splitlines() if line.strip())
    wnid_of = _wnids_by_name(flat, root)
    labels = {wnid: label for label, wnid in enumerate(wnids or sorted(set(wnid_of.values())))}
    return {name: labels[wnid] for name, wnid in wnid_of.items() if wnid in labels}


def _name_and_label(path: pathlib.Path, line: str) -> tuple[str, int]:
    name, _, label = line.strip().rpartition(" ")
    if not name or not label.isdecimal():
        raise UserError(f"ImageNet's list {path} must have lines `NAME LABEL`. Received: {line[:80]!r}")
    return pathlib.Path(name).name, int(label)


def _wnids_by_name(flat: list[pathlib.Path], root: pathlib.Path) -> dict[str, str]:
    for name in _WNID_LISTS:
        if (root / name).is_file():
            # A line for each of all the validation images: a name's own number says which line is its.
            lines = _text(root / name).split()
            numbers = {path.name: int(path.stem.rpartition("_")[2]) for path in flat}
            return {file: lines[number - 1] for file, number in numbers.items() if number <= len(lines)}
    if (root / _KAGGLE_LIST).is_file():
        rows = csv.DictReader(_text(root / _KAGGLE_LIST).splitlines())
        return {f"{row['ImageId']}.JPEG": row["PredictionString"].split()[0] for row in rows}
    lists = ", ".join((_NAME_LABEL_LISTS[0], *_WNID_LISTS, _KAGGLE_LIST))
    raise UserError(f"ImageNet's validation images must be in folders by WordNet id, or have one of {lists} in {root}. "
                    f"Received: {flat[0].name} without a list")  # fmt: skip


def _text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")
