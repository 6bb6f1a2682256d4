"""Settings of an experiment: its data set's for what is wrong with the data, and what its method changes.

Each data set declares its own (`DataSetSpec.recipe`), each method what it changes (`MethodSpec`). Flags that are given
win over them. Nothing here imports TensorFlow.
"""

from collections.abc import Collection
from typing import Any

from ieg_fsr.configuration.settings import settings_for
from ieg_fsr.data.sources import own_data
from ieg_fsr.data.sources.datasets import SPECS
from ieg_fsr.methods.registry import METHODS

# What no data set says otherwise.
_EVERYWHERE: dict[str, Any] = {"mixup": True, "weight_decay": 5e-4, "parameter_average_decay": 0.999}


def recipe(
    dataset: str,
    method: str,
    presets: Collection[str] = (),
    image_side: int | None = None,
    *,
    long_tailed: bool = False,
    noisy: bool = False,
) -> dict[str, Any]:
    """Settings of one experiment, those of the method among them.

    Args:
        dataset: value of --dataset.
        method: "fsr", or a method it is compared with.
        presets: those of the method's switches that are on.
        image_side: of own data, the longer side of the images after loading; None: in files, not known.
        long_tailed: the classes are cut to a long tail.
        noisy: labels are made wrong; matters for a long tail only.
    """
    # A run of another program's data set is read as one of own data.
    of_data = SPECS.get(dataset.partition(":")[0])
    by_side = of_data.recipe if of_data else own_data.recipe
    spec, known = METHODS[method], settings_for(method)
    values = _EVERYWHERE | by_side(image_side).of(long_tailed=long_tailed, noisy=noisy)
    values |= {**spec.recipe, **spec.dataset_recipes.get(dataset, {})}
    for preset in presets:
        values |= spec.presets[preset]
    return {name: value for name, value in values.items() if name in known}


def settings_of_recipes() -> frozenset[str]:
    """Names of all settings that a recipe of some data set, corruption or method gives."""
    sides = (None, own_data.LARGEST_TINY, own_data.LARGEST_SMALL, own_data.LARGEST_SMALL + 1)
    found = set(_EVERYWHERE)
    for spec in SPECS.values():
        found.update(*(settings for side in sides for settings in spec.recipe(side) if settings))
    for method in METHODS.values():
        found.update(method.recipe, *method.dataset_recipes.values(), *method.presets.values())
    return frozenset(found)
