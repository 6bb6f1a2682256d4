"""WebVision-mini: Google's images of the first 50 classes of WebVision 1.0 (Li et al., 2017; Jiang et al., 2018)."""

import pathlib

from ieg_fsr.data.sources.dataset_spec import SHARED, WRONG_LABELS, DataSetSpec, Recipe, Request
from ieg_fsr.data.sources.image_lists import Labelled, data_set
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.data.sources.imagenet_validation import find_imagenet_validation
from ieg_fsr.errors import UserError, refusal

NUM_CLASSES = 50
_NAME = "webvision_mini"
_TRAIN_LIST, _TEST_LIST, _CLASS_LIST = "info/train_filelist_google.txt", "info/val_filelist.txt", "info/synsets.txt"
_TEST_IMAGES = "val_images_256"

# Paper, WebVision-mini; the batch is that of 8 devices with 16 images each. Three epochs of rising rate come first, so
# that the last restart ends with the run.
_CHANGED = {
    "network": "resnet50",
    "epochs": 130,
    "learning_rate_warmup_epochs": 3,
    "batch_size": 128,
    "schedule": "cosine_restarts",
    "weight_decay": 1e-4,
    "dictionary_size": 5000,
    "pseudo_label_loss_weight": 1.0,
    "image_size": 224,
}
RECIPE = Recipe(SHARED | WRONG_LABELS | _CHANGED)


def load_webvision_mini(request: Request) -> DataSet:
    """Loads WebVision-mini from the layout of WebVision 1.0, resized images.

    `info/train_filelist_google.txt` has lines `google/q0001/NAME.jpg 0`, `info/val_filelist.txt` lines
    `val000001.jpg 0` about files in `val_images_256/`, `info/synsets.txt` a line `WNID names` for each label.
    ImageNet's validation images of the same 50 classes, if they are in `imagenet/` there, are a second test set,
    `imagenet`.

    Raises:
      UserError: a list is not there or has a line of another form.
    """
    root = pathlib.Path(request.data_dir or "")
    parts = {"train": _read_list(root, _TRAIN_LIST, root), "test": _read_list(root, _TEST_LIST, root / _TEST_IMAGES)}
    wnids, class_names = _classes(root)
    imagenet = find_imagenet_validation(root / "imagenet", wnids, NUM_CLASSES)
    if imagenet is not None:
        return data_set(_NAME, class_names, parts | {"imagenet": imagenet}, request)
    note = f"{root / 'imagenet'} has no ImageNet validation images: tested on WebVision's alone"
    return data_set(_NAME, class_names, parts, request, notes=[note])


def _read_list(root: pathlib.Path, name: str, images: pathlib.Path) -> Labelled:
    """The entries of the first 50 classes, in the order of the list."""
    pairs = []
    for number, line in enumerate(_lines(root, name), start=1):
        path, _, label = line.rpartition(" ")
        if not path or not label.isdecimal():
            raise UserError(f"--dataset={_NAME}: {root / name} must have lines `PATH LABEL`. "
                            f"Received: {line[:80]!r} in line {number}")  # fmt: skip
        if int(label) < NUM_CLASSES:
            pairs.append((str(images / path), int(label)))
    if not pairs:
        raise refusal(f"--dataset={_NAME}: {root / name}", f"list images of labels below {NUM_CLASSES}", "none")
    return pairs


def _lines(root: pathlib.Path, name: str) -> list[str]:
    """The lines of a list that are not blank."""
    try:
        text = (root / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "no text"
        raise refusal(f"--dataset={_NAME}: {root / name}", "be the list of WebVision 1.0", cause) from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _classes(root: pathlib.Path) -> tuple[list[str] | None, list[str]]:
    """WordNet ids and names of the classes; no ids, and numbers for names, without the list of classes."""
    if not (root / _CLASS_LIST).is_file():
        return None, [str(label) for label in range(NUM_CLASSES)]
    entries = [line.partition(" ") for line in _lines(root, _CLASS_LIST)[:NUM_CLASSES]]
    if len(entries) < NUM_CLASSES:
        place = f"--dataset={_NAME}: {root / _CLASS_LIST}"
        raise refusal(place, f"name {NUM_CLASSES} classes or more", len(entries))
    return [wnid for wnid, _, _ in entries], [name or wnid for wnid, _, name in entries]


SPEC = DataSetSpec(
    _NAME,
    "images of the web from --data_dir; right labels are not known",
    load_webvision_mini,
    lambda _: RECIPE,
    num_classes=NUM_CLASSES,
    data_dir="the root of WebVision 1.0",
    resizes=True,
    has_true_labels=False,
)
