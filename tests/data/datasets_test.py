import ast
import pathlib

import pytest

from ieg_fsr.data import datasets
from ieg_fsr.data.datasets import load_dataset
from ieg_fsr.errors import UserError


def test_unknown_data_set():
    with pytest.raises(UserError) as caught:
        load_dataset("foo")
    assert str(caught.value) == (
        "--dataset must be one of digits, fashion_mnist, cifar10, cifar100. Received: foo"
    )  # fmt: skip


@pytest.mark.parametrize("name", datasets.DATASETS)
@pytest.mark.parametrize("data_dir", ["/nope", ""])
def test_missing_directory(name, data_dir):
    with pytest.raises(UserError) as caught:
        load_dataset(name, data_dir)
    assert str(caught.value) == f"--data_dir must be an existing directory. Received: {data_dir}"


def test_a_file_is_no_directory(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UserError, match="must be an existing directory"):
        load_dataset("digits", str(file))


@pytest.mark.parametrize("module", ["datasets", "sources", "tfds_source", "digits", "fashion_mnist", "cifar"])
def test_no_slow_import_at_the_top(module):
    source = pathlib.Path(datasets.__file__).with_name(f"{module}.py").read_text()
    top = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in top if isinstance(node, ast.ImportFrom)}
    assert not {name.split(".")[0] for name in names} & {"tensorflow", "tensorflow_datasets", "keras", "sklearn"}
