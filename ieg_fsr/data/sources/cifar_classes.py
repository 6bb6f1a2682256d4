"""Classes of CIFAR-10 and CIFAR-100, and which is mistaken for which: what asymmetric noise is made of."""

import numpy as np

CIFAR10_CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
)  # fmt: skip

# The look-alikes of Patrini et al., "Making Deep Neural Networks Robust to Label Noise", 2017.
_CIFAR10_MISTAKES = {"truck": "automobile", "bird": "airplane", "cat": "dog", "dog": "cat", "deer": "horse"}

# CIFAR-100's twenty superclasses of five; fine labels are numbered in alphabetical order of all hundred names.
CIFAR100_SUPERCLASSES = {
    "aquatic mammals": "beaver dolphin otter seal whale",
    "fish": "aquarium_fish flatfish ray shark trout",
    "flowers": "orchid poppy rose sunflower tulip",
    "food containers": "bottle bowl can cup plate",
    "fruit and vegetables": "apple mushroom orange pear sweet_pepper",
    "household electrical devices": "clock keyboard lamp telephone television",
    "household furniture": "bed chair couch table wardrobe",
    "insects": "bee beetle butterfly caterpillar cockroach",
    "large carnivores": "bear leopard lion tiger wolf",
    "large man-made outdoor things": "bridge castle house road skyscraper",
    "large natural outdoor scenes": "cloud forest mountain plain sea",
    "large omnivores and herbivores": "camel cattle chimpanzee elephant kangaroo",
    "medium-sized mammals": "fox porcupine possum raccoon skunk",
    "non-insect invertebrates": "crab lobster snail spider worm",
    "people": "baby boy girl man woman",
    "reptiles": "crocodile dinosaur lizard snake turtle",
    "small mammals": "hamster mouse rabbit shrew squirrel",
    "trees": "maple_tree oak_tree palm_tree pine_tree willow_tree",
    "vehicles 1": "bicycle bus motorcycle pickup_truck train",
    "vehicles 2": "lawn_mower rocket streetcar tank tractor",
}


def cifar10_mistakes() -> np.ndarray:
    """The class [10] that each class is mistaken for; its own where there is none."""
    mistaken = [_CIFAR10_MISTAKES.get(name, name) for name in CIFAR10_CLASS_NAMES]
    return np.array([CIFAR10_CLASS_NAMES.index(name) for name in mistaken])


def cifar100_mistakes() -> np.ndarray:
    """The class [100] that each class is mistaken for: the next one of its superclass, the last one for the first."""
    next_name: dict[str, str] = {}
    for text in CIFAR100_SUPERCLASSES.values():
        names = sorted(text.split())
        next_name |= zip(names, [*names[1:], names[0]], strict=True)
    label_of = {name: label for label, name in enumerate(sorted(next_name))}
    return np.array([label_of[next_name[name]] for name in label_of])
