"""Methods by name: what a spec must be, other packages' methods, the choices that a name stands for."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.configuration.settings import SETTINGS
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.errors import UserError
from ieg_fsr.figures import RUN_FIGURES, Figure
from ieg_fsr.methods.gce import SPECS
from ieg_fsr.methods.models.supervised import Batch
from ieg_fsr.methods.registry import METHODS, figure_of, method_figures, owners, register
from ieg_fsr.methods.spec import BuildContext, MethodSpec
from ieg_fsr.networks import build_network
from ieg_fsr.rules import ANY
from ieg_fsr.setting import Setting

[GCE] = SPECS


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gce", "a method must be a MethodSpec. Received: str"),
        (GCE, "name of a method must be new. Received: gce"),
        (dataclasses.replace(GCE, name="new", label=""), "label of a method must be a text. Received: "),
        (dataclasses.replace(GCE, name=None), "name of a method must be a text. Received: None"),
        (dataclasses.replace(GCE, name="new", build=None), "build of method new must be a function. Received: None"),
        (
            dataclasses.replace(GCE, name="new", paper="A paper"),
            "method new must have a Paper or None, and Settings. Received: something else",
        ),
        (
            dataclasses.replace(GCE, name="new", needs=frozenset({"luck"})),
            "needs of method new must be of clean_images, second_network, transition_matrix. Received: ['luck']",
        ),
        (
            dataclasses.replace(GCE, name="new", settings=(Setting("elr_lambda", 1.0, ANY, "other"),)),
            "a setting of method new must have a new name. Received: elr_lambda",
        ),
    ],
)
def test_what_no_method_can_be(spec, message):
    methods = dict(METHODS)
    with pytest.raises(UserError) as caught:
        register(methods, spec)
    assert str(caught.value) == message
    assert methods == METHODS


def test_a_method_may_share_settings_with_another():
    methods = dict(METHODS)
    register(methods, dataclasses.replace(GCE, name="new"))
    assert list(methods) == [*METHODS, "new"]
    assert owners("focal_gamma") == ["focal", "cb_focal"]


PACKAGE = """
from ieg_fsr.methods.spec import MethodSpec
from ieg_fsr.rules import at_least
from ieg_fsr.setting import Setting

def absolute_error(targets, logits):
    import tensorflow as tf
    return tf.reduce_sum(tf.abs(targets - tf.nn.softmax(logits)), axis=-1)

def build(context):
    return context.supervised(lambda targets, logits: context.config.mae_scale * absolute_error(targets, logits))

SPEC = MethodSpec(name="mae", label="MAE", summary="absolute error", build=build,
                  settings=(Setting("mae_scale", 1.0, at_least(0), "factor of the loss"),))
TAKEN = MethodSpec(name="fsr", label="x", summary="x", build=build)
EPOCHS = MethodSpec(name="mine", label="x", summary="x", build=build,
                    settings=(Setting("epochs", 1, at_least(0), "x"), Setting("ema_decay", 1, at_least(0), "x")))
"""
POINTS = """[ieg_fsr.methods]
broken = no_such_module:SPEC
epochs = tiny_methods:EPOCHS
mae = tiny_methods:SPEC
taken = tiny_methods:TAKEN
"""


@pytest.fixture
def other_package(tmp_path):
    """A directory with an installed package, as pip leaves one."""
    (tmp_path / "tiny_methods.py").write_text(PACKAGE)
    info = tmp_path / "tiny_methods-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-methods\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    return tmp_path


def test_another_package_adds_a_method(other_package, tmp_path, monkeypatch):
    """One that works; one that cannot be imported, one whose name is taken and one whose setting is are left out."""
    monkeypatch.setenv("PYTHONPATH", str(other_package), prepend=":")

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "ieg_fsr.main", *words], capture_output=True, text=True, timeout=300, check=False
        )

    directory = tmp_path / "run"
    short = ["--train_examples=100", "--epochs=1", f"--model_dir={directory}"]
    done = run("--method=mae", "--mae_scale=2", *short)
    assert done.returncode == 0, done.stderr
    settings = json.loads((directory / "config.json").read_text())
    assert (settings["method"], settings["mae_scale"], settings["variant"]) == ("mae", 2.0, "MAE, mae_scale 2.0")
    refused = run("--method=gce", "--mae_scale=2")
    assert refused.returncode == 2
    lines = refused.stderr.strip().splitlines()
    assert [line.split(":")[0] for line in lines] == ["ieg_fsr"] * 4
    assert "entry point broken = no_such_module:SPEC: ModuleNotFoundError" in lines[0]
    assert "entry point taken = tiny_methods:TAKEN: name of a method must be new. Received: fsr" in lines[1]
    assert "method mine must have settings of new names. Received: epochs, ema_decay" in lines[2]
    assert lines[3].endswith("--mae_scale must not be given with --method=gce, whose own settings are: --gce_q. "
                             "Received: 2.0")  # fmt: skip
    assert "--mae_scale" in run("--helpfull").stdout


def test_methods_are_choices():
    l2r, mwn = resolve({"method": "l2r", "dataset": "cifar10"}), resolve({"method": "mwn", "meta_layers": "dense"})
    assert (l2r.reward_source, l2r.meta_layers, l2r.weight_rule, l2r.clean_per_class) == (
        *("holdout", "all", "direct", 100),
    )
    assert (l2r.initial_sample_weights, l2r.lookahead_momentum, l2r.mixup) == ("zero", 0.0, False)
    assert resolve({"method": "l2r", "dataset": "cifar100"}).clean_per_class == 10
    assert (mwn.reward_source, mwn.meta_layers, mwn.weight_rule) == ("holdout", "dense", "weight_net")
    assert METHODS["mwn"].clean_per_class(mwn) == 10
    assert not METHODS["mwn"].has("dictionary_size", mwn)
    assert mwn.weight_net_learning_rate == 3e-3
    assert resolve({"method": "mwn", "dataset": "cifar10"}).weight_net_learning_rate == 1e-3
    fsr = resolve({})
    assert METHODS["fsr"].has("dictionary_size", fsr)
    assert (fsr.meta_layers, fsr.lookahead_momentum, METHODS["fsr"].clean_per_class(fsr)) == ("dense", None, 0)


OWN_LABELS = (
    "whose true labels are not known (those of own data count as true where --labels_file or --noise stands in for "
    "them). Received: holdout"
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"method": "l2r", "reward_features": "history"},
            "--reward_features must be forward with --reward_source=holdout: clean images are not trained on. "
            "Received: history",
        ),
        (
            {"method": "l2r", "dataset": "folder:x"},
            f"--reward_source must be dictionary with --dataset=folder:x, {OWN_LABELS}",
        ),
        (
            {"method": "mwn", "dataset": "webvision_mini", "noise": 0.1},
            f"--reward_source must be dictionary with --dataset=webvision_mini, {OWN_LABELS}",
        ),
        (
            {"method": "l2r", "noise": 0.4, "precision": "mixed_float16"},
            "--precision must be float32 or mixed_bfloat16 with --meta_layers other than dense: the lookahead's own "
            "gradients would be too small for float16. Received: mixed_float16",
        ),
    ],
)
def test_choices_that_do_not_go_together(settings, message):
    with pytest.raises(UserError) as caught:
        resolve(settings)
    assert str(caught.value) == message


def test_choices_that_do():
    assert resolve({"method": "l2r", "dataset": "folder:x", "labels_file": "l"}).reward_source == "holdout"
    assert resolve({"method": "l2r", "dataset": "npz:x", "noise": 0.2}).reward_source == "holdout"
    assert resolve({"method": "mwn", "meta_layers": "dense", "precision": "mixed_float16"}).meta_layers == "dense"


# Two classes, three examples of class 0 and one of class 1; odds 1 : 3, so p = (1/4, 3/4), sigmoids 1/2 and 3/4.
GIVEN = np.array([0, 0, 0, 1], np.int32)
LOGITS = tf.math.log([[1.0, 3.0]])
# beta = 1/2: effective numbers 7/4 and 1, weights 2 * (4, 7) / 11.
W0 = 8 / 11


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"method": "supervised"}, np.log(4)),
        ({"method": "gce", "gce_q": 0.5}, 1.0),
        ({"method": "focal", "focal_gamma": 1.0}, 3 / 4 * np.log(4)),
        ({"method": "cb_softmax", "class_balanced_beta": 0.5}, W0 * np.log(4)),
        ({"method": "cb_sigmoid", "class_balanced_beta": 0.5}, W0 * (np.log(2) + np.log(4))),
        (
            {"method": "cb_focal", "class_balanced_beta": 0.5, "focal_gamma": 1.0},
            W0 * (1 / 2 * np.log(2) + 3 / 4 * np.log(4)),
        ),
        # t = 0.2 p: <p, t> = 0.2 * 10 / 16.
        ({"method": "elr", "elr_lambda": 2.0, "elr_momentum": 0.8}, np.log(4) + 2 * np.log(1 - 0.125)),
    ],
)
def test_settings_reach_the_loss(settings, expected):
    source = ArraySource(np.zeros((4, 8, 8, 1), np.uint8), GIVEN)
    context = BuildContext(
        config=resolve(settings),
        data=DataSet("tiny", source, source, ("a", "b")),
        given_labels=GIVEN,
        network=lambda seed: build_network("small_cnn", (8, 8, 1), 2, seed),
        second_seed=1,
        shared={},
    )
    images = tf.zeros([1, 1])
    batch = Batch(images, tf.constant([[1.0, 0.0]]), images, tf.constant([0]), tf.constant([2]))
    model = METHODS[settings["method"]].build(context)
    np.testing.assert_allclose(model.sample_losses(batch, LOGITS), [expected], rtol=1e-4)


def test_the_name_of_a_figure_has_one_meaning():
    of_methods = method_figures()
    for spec in METHODS.values():
        assert all(of_methods[figure.name] == figure for figure in spec.figures)
    for taken in ("name", "tag", "short", "words"):
        values = [getattr(figure, taken) for figure in (*RUN_FIGURES, *of_methods.values())]
        values = [value for value in values if value]
        assert len(values) == len(set(values)), taken


def test_no_methods_figure_has_the_name_of_a_setting_which_it_would_replace_in_tables():
    assert not method_figures().keys() & SETTINGS.keys()


def test_figures_are_found_by_name():
    assert figure_of("test_accuracy_imagenet_ema").share
    assert figure_of("dictionary_purity").heading == "dictionary right"
    assert figure_of("weight_ratio") == Figure("weight_ratio")


def test_specs_load_no_tensorflow():
    script = "import sys, ieg_fsr.methods.registry; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


def test_a_spec_has_what_a_table_needs():
    assert isinstance(GCE, MethodSpec)
    assert GCE.described == "generalised cross-entropy (Zhang & Sabuncu 2018)"
    assert METHODS["supervised"].described == "cross-entropy"
