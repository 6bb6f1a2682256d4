"""Image classifiers from bad data: data, networks, reweighting -> methods -> training, evaluation -> command lines.

    import ieg_fsr
    model = ieg_fsr.FSR(classifier, num_examples=len(y), dictionary_size=2000)
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
    model.fit(ieg_fsr.examples(x, y, batch_size=100), epochs=128)
    model.label_report()

`examples_from_directory` and `examples_from_dataset` make the same of folders of images and of `tf.data` sets.
TensorFlow is imported at the first use of a name, not with the package.
"""

import importlib
from typing import Any

from ieg_fsr.version import VERSION

_HOMES = {
    "DeferredReweighting": "ieg_fsr.methods.models.deferred_reweighting",
    "FSR": "ieg_fsr.methods.models.fsr",
    "LossSkipping": "ieg_fsr.methods.models.skipping",
    "Stage": "ieg_fsr.methods.models.stages",
    "Supervised": "ieg_fsr.methods.models.supervised",
    "Visits": "ieg_fsr.methods.models.stages",
    "WeightSkipping": "ieg_fsr.methods.models.skipping",
    "examples": "ieg_fsr.data.pipeline.examples",
    "examples_from_dataset": "ieg_fsr.data.pipeline.dataset_examples",
    "examples_from_directory": "ieg_fsr.data.pipeline.directory_examples",
    "UserError": "ieg_fsr.errors",
}
__all__ = sorted(_HOMES)
__version__ = VERSION


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ieg_fsr' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
