"""iNaturalist 2018 (Van Horn et al., 2018): 437,513 + 24,426 images of 8,142 species, long-tailed."""

import pathlib
from typing import Any

from ieg_fsr.data.sources.dataset_spec import LONG_TAIL, SHARED, DataSetSpec, Recipe, Request
from ieg_fsr.data.sources.image_lists import Labelled, data_set
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import UserError, refusal
from ieg_fsr.files import parse_json

_NAME = "inaturalist2018"
_LISTS = {"train": "train2018.json", "test": "val2018.json"}

# Paper, iNaturalist 2018: 90 epochs, re-weighting deferred. Where the rate drops and re-weighting starts is carried
# over from its long-tailed CIFAR, 160 and 180 of 200 epochs.
_CHANGED = {
    "network": "resnet50",
    "epochs": 90,
    "batch_size": 32,
    "drop_epochs": (72, 81),
    "weight_decay": 1e-4,
    "dictionary_size": 2000,
    "reward_batch_size": 350,
    "reweight_warmup_epochs": 72,
    "image_size": 224,
}
_RECIPE = Recipe(SHARED | LONG_TAIL | _CHANGED)


def load_inaturalist2018(request: Request) -> DataSet:
    """Loads iNaturalist 2018: `train2018.json` and `val2018.json` beside the folder `train_val2018`.

    The lists are COCO-like: `images` with `id` and `file_name`, `annotations` with `image_id` and `category_id`,
    `categories` with `id` and `name`. Examples come in the order of the images' ids.

    Raises:
      UserError: a list is not there or not as described.
    """
    root = pathlib.Path(request.data_dir or "")
    lists = {part: _read(root / name) for part, name in _LISTS.items()}
    try:
        categories = sorted(lists["train"]["categories"], key=lambda category: category["id"])
        labels = {category["id"]: label for label, category in enumerate(categories)}
        parts = {part: _image_list(content, root, labels) for part, content in lists.items()}
        class_names = [str(category["name"]) for category in categories]
    except (KeyError, TypeError) as error:
        rule = "have images, annotations and categories with their ids"
        place = f"--dataset={_NAME}: {root}/{_LISTS['train']} and {_LISTS['test']}"
        raise refusal(place, rule, f"{type(error).__name__} {error}") from None
    return data_set(_NAME, class_names, parts, request)


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or "no whole JSON"
        raise UserError(f"--dataset={_NAME}: {path} must be the list of iNaturalist 2018. Received: {cause}") from None


def _image_list(content: dict[str, Any], root: pathlib.Path, labels: dict[int, int]) -> Labelled:
    """Paths and labels of one list."""
    category_of = {annotation["image_id"]: annotation["category_id"] for annotation in content["annotations"]}
    images = sorted(content["images"], key=lambda image: image["id"])
    return [(str(root / image["file_name"]), labels[category_of[image["id"]]]) for image in images]


SPEC = DataSetSpec(
    _NAME,
    "iNaturalist 2018, a long tail by nature, in --data_dir",
    load_inaturalist2018,
    lambda _: _RECIPE,
    num_classes=8142,
    data_dir="where train2018.json is",
    resizes=True,
)
