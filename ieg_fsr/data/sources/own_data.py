"""Settings for a user's own images: those of the known data set that they resemble. Not in the paper."""

from ieg_fsr.data.sources import cifar, digits, webvision
from ieg_fsr.data.sources.dataset_spec import Recipe

LARGEST_TINY, LARGEST_SMALL = 16, 64  # sides, in pixels

# Few members in the dictionary, so that small data sets need no flag; one cosine, which ends well after any number of
# epochs.
_OWN = {"dictionary_size": 200, "reward_batch_size": 100, "schedule": "cosine"}
_TINY = digits.RECIPE.noise
_SMALL = cifar.RECIPE.noise | _OWN | {"network": "resnet32"}
_LARGE = webvision.RECIPE.noise | _OWN | {"epochs": 90, "batch_size": 32, "pseudo_label_loss_weight": 2.0}


def recipe(image_side: int | None) -> Recipe:
    """The recipe of a user's own data, by the longer side of the images after loading; None: in files, not known.

    Images up to 16x16 pixels are treated as the digits, up to 64x64 as CIFAR with label noise (ResNet-32, pad-and-crop,
    mirrored: give --noflip where left and right matter), larger ones as WebVision (ResNet-50, random-resized crops,
    mirrored) over 90 epochs in batches of 32. The rate falls along one cosine; the dictionary has 200 members.
    """
    if image_side is None or image_side > LARGEST_SMALL:
        return Recipe(_LARGE)
    return Recipe(_TINY if image_side <= LARGEST_TINY else _SMALL)


def recipe_of_arrays(image_side: int | None) -> Recipe:
    """The same for arrays, which are not resized: large ones are padded by an eighth and cropped."""
    if image_side is None or image_side <= LARGEST_SMALL:
        return recipe(image_side)
    as_they_are = {name: value for name, value in _LARGE.items() if name != "image_size"}
    return Recipe(as_they_are | {"padding": image_side // 8})
