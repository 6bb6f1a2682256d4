"""`--mode=evaluate`: any saved classifier on the test set of any data set."""

import pathlib
from collections.abc import Callable
from typing import Any

from ieg_fsr.data.sources.datasets import load_dataset, spec_of
from ieg_fsr.files import make_directory, write_json, write_whole
from ieg_fsr.quiet_import import import_tensorflow
from ieg_fsr.setting import Config

_DOUBT = "The labels are those in the data: wrong ones count against the classifier where it is right."


def evaluate(config: Config, tell: Callable[[str], None] = print) -> dict[str, Any]:
    """Evaluates `config.model` and returns the figures; writes evaluation.json into `config.model_dir` if given.

    With `--logit_adjustment_after` the logits are adjusted first, and that classifier is written there as well.

    Raises:
        UserError: the model cannot be loaded or does not fit the data, or the directory cannot be written to.
    """
    assert config.model is not None, "resolve() asks for a model in this mode"
    data = load_dataset(config.dataset, config.data_dir, config.image_size, config.strict_data)
    import_tensorflow()
    from ieg_fsr.evaluation.evaluate import check_fits, evaluate_model, load_classifier, report

    model: Any = load_classifier(config.model)
    check_fits(model, data.test.image_shape, data.num_classes, config.dataset, config.model)
    notes = list(data.notes)
    if config.logit_adjustment_after:
        from ieg_fsr.evaluation.adjusted import adjusted

        tau, labels = config.logit_adjustment_after, data.train.labels
        model, line = adjusted(model, config.model, tau, labels, data.num_classes)
        notes.append(line)
    result = evaluate_model(model, data.test, data.num_classes, data.class_names)
    doubtful = [] if spec_of(config.dataset).labels_are_true else [_DOUBT]
    tell("\n".join([*notes, report(result), *doubtful]))
    for name, test in data.extra_tests.items():
        extra = evaluate_model(model, test, data.num_classes)
        tell(f"\n{name}: top-1 accuracy {extra['test_accuracy']:.4f}, top-5 accuracy {extra['test_top5']:.4f}")
        result |= {f"{figure}_{name}": extra[figure] for figure in ("test_accuracy", "test_top5")}
    if config.model_dir is not None:
        make_directory(config.model_dir)
        write_json(pathlib.Path(config.model_dir) / "evaluation.json", result)
        if config.logit_adjustment_after:
            write_whole(pathlib.Path(config.model_dir) / "model_adjusted.keras", model.save)
    return result
