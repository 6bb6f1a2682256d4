"""A user's own folder of images, one folder for each class."""

import collections
import os
import pathlib
from collections.abc import Iterator, Sequence

from ieg_fsr.data.sources import own_data
from ieg_fsr.data.sources.classes import check_distinct, without_empty_classes
from ieg_fsr.data.sources.dataset_spec import DataSetSpec, Request
from ieg_fsr.data.sources.image_lists import EXTENSIONS, Labelled, data_set
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import UserError, refusal

_TEST_NAMES = ("test", "val", "validation")
# What programs leave beside images: macOS' archives, Synology's thumbnails, Windows, file systems.
_LEFT_BY_PROGRAMS = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")
# How many files are no images, by reason; the reasons follow their number in a line.
LeftOut = collections.Counter[str]


def load_folder(request: Request) -> DataSet:
    """Loads DIR/train/CLASS/IMAGE and DIR/test/CLASS/IMAGE (or val, validation), or DIR/CLASS/IMAGE with a hold-out.

    Classes and images are taken in the order of their names; images in folders within a class are of that class. What
    is no image is left out and counted: hidden files, files of other kinds, folders of classes without an image. A
    class may lack test images.

    Raises:
      UserError: no such directory, fewer than two classes with an image, names of classes that differ in case or blanks
        only, a test class that is no class of the training part.
    """
    root, name = pathlib.Path(os.path.expanduser(request.place)), f"folder:{request.place}"
    if not root.is_dir():
        raise UserError(f"--dataset=folder:DIR must name an existing directory. Received: {name}")
    train_part, tests = _parts(root)
    if train_part == root and tests and not any(path.name not in _TEST_NAMES for path in _folders(root)):
        raise UserError(f"--dataset={name} must have a folder train beside {tests[0].name}. Received: none")
    left_out = LeftOut()
    classes, train = labelled_images(f"--dataset={name}", train_part, left_out)
    # Beside classes, a folder with the name of a test split is one of them.
    tests, parts = tests if train_part != root else [], {"train": train}
    if tests:
        parts["test"] = images_of_classes(f"--dataset={name}", tests[0], classes, left_out)
    notes = [f"--dataset={name}: {path.name} is not used, {tests[0].name} is the test split" for path in tests[1:]]
    if empty := [folder.name for folder in _folders(train_part) if folder.name not in classes]:
        notes.append(f"--dataset={name}: no class is made of folders without an image: {', '.join(empty)}")
    data = data_set(name, classes, parts, request, small_as_pixels=True, notes=notes, left_out=left_out)
    return without_empty_classes(data)


def labelled_images(argument: str, part: pathlib.Path, left_out: LeftOut) -> tuple[list[str], Labelled]:
    """Class names, in order, and images of a directory with a folder for each class.

    Args: argument: name and value of what gave the directory, for the message. left_out: is added to.

    Raises: UserError: as `load_folder`.
    """
    listed = {folder.name: list(_images(folder, left_out)) for folder in _folders(part, left_out)}
    classes = [name for name, images in listed.items() if images]
    if len(classes) < 2:
        without = f"no image ({', '.join(EXTENSIONS)}) in {', '.join(listed)}" if listed else "no folder"
        received = f"{classes[0]} only" if classes else without
        raise refusal(argument, f"have a folder for each of two or more classes in {part}", received)
    check_distinct(argument, classes)
    if empty := len(listed) - len(classes):
        left_out["folders without an image"] += empty
    return classes, [(image, label) for label, name in enumerate(classes) for image in listed[name]]


def images_of_classes(argument: str, part: pathlib.Path, classes: Sequence[str], left_out: LeftOut) -> Labelled:
    """Images of a directory by labels that are known; not every class needs some. Args and Raises: as above."""
    labels = {name: label for label, name in enumerate(classes)}
    listed = {folder.name: list(_images(folder, left_out)) for folder in _folders(part, left_out)}
    if unknown := [name for name, images in listed.items() if images and name not in labels]:
        raise UserError(f"{argument} must have the classes of {part.name} in train too. Received: {unknown[0]}")
    return [(image, labels[name]) for name, images in listed.items() for image in images]


def image_side(directory: str) -> int | None:
    """The longer side of the images, if all have one size up to 64x64; else None, after a look at the first."""
    from ieg_fsr.data.sources.image_files import common_side

    root = pathlib.Path(os.path.expanduser(directory))
    if not root.is_dir():
        return None
    train_part, tests = _parts(root)
    parts = [train_part, *tests[: train_part != root]]
    return common_side(image for part in parts for folder in _folders(part) for image in _images(folder, LeftOut()))


def _parts(root: pathlib.Path) -> tuple[pathlib.Path, list[pathlib.Path]]:
    """Where the training images are, and the folders with the name of a test split."""
    train = root / "train"
    return train if train.is_dir() else root, [root / part for part in _TEST_NAMES if (root / part).is_dir()]


def _folders(path: pathlib.Path, left_out: LeftOut | None = None) -> list[pathlib.Path]:
    """The folders of classes; what else there is is counted."""
    left_out = LeftOut() if left_out is None else left_out
    found = _entries(path, left_out)
    folders = [entry for entry in found if entry.is_dir()]
    if len(folders) < len(found):
        left_out["beside the folders of classes"] += len(found) - len(folders)
    return folders


def _images(folder: pathlib.Path, left_out: LeftOut, above: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths of the images in a folder and the folders within it, by name; counts what is none.

    Args: above: the folders that it is in, to which a link would lead back for ever.
    """
    place = os.path.realpath(folder)
    if place in above:
        left_out["links to a folder above"] += 1
        return
    for entry in _entries(folder, left_out):
        if entry.is_dir():
            yield from _images(entry, left_out, (*above, place))
        elif entry.suffix.lower() not in EXTENSIONS:
            left_out[entry.suffix.lower() or "without an ending"] += 1
        # A link that leads nowhere was meant to be an image: decoding will tell.
        elif entry.is_file() or entry.is_symlink():
            yield str(entry)
        else:
            left_out["neither file nor folder"] += 1


def _entries(folder: pathlib.Path, left_out: LeftOut) -> list[pathlib.Path]:
    """What is in a folder, by name, without what is hidden or left by programs."""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        left_out["folders that cannot be read"] += 1
        return []
    shown = [entry for entry in found if not entry.name.startswith(".") and entry.name not in _LEFT_BY_PROGRAMS]
    if len(shown) < len(found):
        left_out["hidden"] += len(found) - len(shown)
    return shown


SPEC = DataSetSpec(
    "folder",
    "your images: DIR/train/CLASS/IMAGE and DIR/test/CLASS/IMAGE, or DIR/CLASS/IMAGE",
    load_folder,
    own_data.recipe,
    place="DIR",
    resizes=True,
    image_side=lambda place, _: image_side(place),
)
