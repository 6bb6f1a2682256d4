"""A user's own folder of images, one folder for each class."""

import os
import pathlib
from collections.abc import Iterable, Sequence

from ieg_fsr.data.sources import own_data
from ieg_fsr.data.sources.dataset_spec import DataSetSpec, Request
from ieg_fsr.data.sources.image_lists import EXTENSIONS, Labelled, data_set
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import UserError, refusal

_TEST_NAMES = ("test", "val", "validation")


def load_folder(request: Request) -> DataSet:
    """Loads DIR/train/CLASS/IMAGE and DIR/test/CLASS/IMAGE (or val, validation), or DIR/CLASS/IMAGE with a hold-out.

    Classes and images are taken in the order of their names. Hidden files and folders and files that are no images are
    passed over; a class may lack test images.

    Raises:
      UserError: no such directory, fewer than two classes, names of classes that differ in case or blanks only, a
        class without an image, a test class that is no class of the training part.
    """
    root, name = pathlib.Path(os.path.expanduser(request.place)), f"folder:{request.place}"
    if not root.is_dir():
        raise UserError(f"--dataset=folder:DIR must name an existing directory. Received: {name}")
    found = [root / part for part in _TEST_NAMES if (root / part).is_dir()]
    has_train = (root / "train").is_dir()
    if not has_train and found and not any(path.name not in _TEST_NAMES for path in _folders(root)):
        raise UserError(f"--dataset={name} must have a folder train beside {found[0].name}. Received: none")
    classes, train = labelled_images(f"--dataset={name}", root / "train" if has_train else root)
    # Beside classes, a folder with the name of a test split is one of them.
    tests, parts = found if has_train else [], {"train": train}
    if tests:
        parts["test"] = images_of_classes(f"--dataset={name}", tests[0], classes)
    notes = [f"--dataset={name}: {path.name} is not used, {tests[0].name} is the test split" for path in tests[1:]]
    return data_set(name, classes, parts, request, notes=notes)


def labelled_images(argument: str, part: pathlib.Path) -> tuple[list[str], Labelled]:
    """Class names, in order, and images of a directory with a folder for each class.

    `argument` is name and value of what gave the directory, for the message. Raises `UserError` as `load_folder` does.
    """
    folders = _folders(part)
    classes = [folder.name for folder in folders]
    if len(classes) < 2:
        received = f"{classes[0]} only" if classes else "no folder"
        raise refusal(argument, f"have a folder for each of two or more classes in {part}", received)
    _check_distinct(argument, classes)
    listed = [_images(folder) for folder in folders]
    if empty := [folder for folder, images in zip(folders, listed, strict=True) if not images]:
        raise refusal(argument, f"have an image ({', '.join(EXTENSIONS)}) in each class", f"none in {empty[0]}")
    return classes, [(image, label) for label, images in enumerate(listed) for image in images]


def images_of_classes(argument: str, part: pathlib.Path, classes: Sequence[str]) -> Labelled:
    """Images of a directory by labels that are known; not every class needs some. Args and Raises: as above."""
    labels = {name: label for label, name in enumerate(classes)}
    folders = _folders(part)
    if unknown := [folder.name for folder in folders if folder.name not in labels]:
        raise UserError(f"{argument} must have the classes of {part.name} in train too. Received: {unknown[0]}")
    return [(image, labels[folder.name]) for folder in folders for image in _images(folder)]


def _check_distinct(argument: str, classes: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in classes:
        other = seen.setdefault(" ".join(name.split()).casefold(), name)
        if other != name:
            rule = "have class names that differ in more than case and blanks"
            raise refusal(argument, rule, f"{other!r} and {name!r}")


def _folders(path: pathlib.Path) -> list[pathlib.Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _images(folder: pathlib.Path) -> list[str]:
    files = (entry for entry in folder.iterdir() if entry.suffix.lower() in EXTENSIONS)
    return sorted(str(entry) for entry in files if entry.is_file() and not entry.name.startswith("."))


SPEC = DataSetSpec(
    "folder",
    "your images: DIR/train/CLASS/IMAGE and DIR/test/CLASS/IMAGE, or DIR/CLASS/IMAGE",
    load_folder,
    own_data.recipe,
    place="DIR",
    resizes=True,
)
