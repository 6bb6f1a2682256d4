"""Strategies, workers and their directories; training with two replicas, and with two workers one of which is lost."""

import csv
import json
import re
import signal
import socket
import time

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.training.distribution import (
    WORKER_LOST,
    Place,
    any_worker,
    check_same_step,
    ends_with_the_others,
    place_of,
    strategy_of,
)


def cluster(workers, index, kind="worker"):
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": {"type": kind, "index": index}})}


def test_one_process_is_a_run_of_its_own():
    assert place_of(resolve({}), cluster(["a:1", "b:1"], 1)) == Place(0, 1)
    assert place_of(resolve({"strategy": "mirrored", "num_replicas": 2}), {}) == Place(0, 1)
    assert strategy_of(resolve({})) is tf.distribute.get_strategy()


def test_place_among_workers_comes_from_tf_config():
    config = resolve({"strategy": "multi_worker"})
    assert place_of(config, cluster(["a:1", "b:1"], 1)) == Place(1, 2)
    assert place_of(config, cluster(["a:1"], 0)) == Place(0, 1)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"TF_CONFIG": "{"},
        {"TF_CONFIG": "[]"},
        {"TF_CONFIG": '{"cluster": {}}'},
        {"TF_CONFIG": "[" * 100_000},
        cluster(["a:1", "b:1"], 2),
        cluster(["a:1", "b:1"], 1.0),
        cluster("a:1", 0),
        cluster(["a:1", "b:1"], 0, "ps"),
    ],
)
def test_a_tf_config_without_this_worker_is_refused(environment):
    with pytest.raises(UserError, match=r"TF_CONFIG must be .*launch/multi_worker.sh sets it. Received: .+"):
        place_of(resolve({"strategy": "multi_worker"}), environment)


@pytest.mark.parametrize(
    ("settings", "environment", "message"),
    [
        ({"num_replicas": 2}, {}, "--num_replicas must .* --strategy=mirrored only. Received: --strategy=none"),
        ({"strategy": "mirrored", "num_replicas": 3}, {}, "--batch_size must be a multiple of 3, .*Received: 100"),
        ({"strategy": "multi_worker"}, cluster(["a:1"] * 3, 0), "--batch_size must be a multiple of 3, .*: 100"),
        ({"strategy": "mirrored", "precision": "mixed_float16"}, {}, "--precision must be .*: mixed_float16"),
    ],
)
def test_what_does_not_go_together_is_said(settings, environment, message):
    with pytest.raises(UserError, match=message):
        place_of(resolve(settings), environment)


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="for machines without a GPU")
def test_the_number_of_cpu_devices_must_be_given():
    with pytest.raises(UserError, match=r"--num_replicas must be given where there is no GPU.*Received: nothing"):
        strategy_of(resolve({"strategy": "mirrored"}))


def test_one_process_agrees_with_itself():
    strategy = tf.distribute.get_strategy()
    assert [any_worker(strategy)(said) for said in (True, False)] == [True, False]
    for step in (7, None):
        check_same_step(step, strategy, "runs/a")


def test_one_worker_passes_errors_on():
    with pytest.raises(tf.errors.UnavailableError), ends_with_the_others("runs/a", Place(0, 1)):
        raise tf.errors.UnavailableError(None, None, "gone")


def test_a_worker_ends_when_another_is_gone(start):
    script = """
import tensorflow as tf
from ieg_fsr.training.distribution import Place, ends_with_the_others
place = Place(1, 2)
with ends_with_the_others("runs/a", place):
    raise tf.errors.UnavailableError(None, None, "gone")
"""
    code, _, errors = start("-c", script).ended()
    assert code == WORKER_LOST
    assert errors.splitlines()[-1] == (
        "ieg_fsr: worker 1 lost another of the 2 workers (UnavailableError); the same command on all of them goes on "
        "from the last checkpoint in runs/a"
    )
    assert "Traceback" not in errors


# Trains as `--mode=train` does, and keeps the tables of this process, whichever worker it is.
TRAINS = """
import atexit, json, sys
import numpy as np
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.quiet_import import import_tensorflow
from ieg_fsr.training.run import train
settings, place = json.loads(sys.argv[1]), sys.argv[2]
import_tensorflow()
from ieg_fsr.networks import small_cnn
from ieg_fsr.training import execution
small_cnn._BLOCKS = ((16, 1), (32, 2), (64, 2))  # half of the six, traced and run in half the time
finish = execution.finish
def spied(config, model, *others):
    tables = [*model.scores.variables, model.pseudo_labels.logits, model.last_weights]
    variables = [*(weight.value for weight in model.classifier.weights), *tables]
    copies = [getattr(variable, "values", [variable]) for variable in variables]
    for each in copies:
        for other in each[1:]:
            np.testing.assert_array_equal(each[0].numpy(), other.numpy())
    np.savez(place, *[each[0].numpy() for each in copies], visits=model.scores.visits.numpy())
    return finish(config, model, *others)
execution.finish = spied
print(json.dumps(train(resolve(settings), lambda text: None)))
atexit._run_exitfuncs()  # as where an interpreter ends
"""
SHORT = {"noise": 0.4, "epochs": 30, "reweight_warmup_epochs": 5}


@pytest.fixture(scope="module")
def begin(start):
    """Begins a training in a process of its own."""
    return lambda settings, place, environment: start("-c", TRAINS, json.dumps(settings), str(place), **environment)


def finished(process):
    code, output, errors = process.ended()
    assert not code, errors
    return json.loads(output.splitlines()[-1])


def begin_workers(begin, settings, places, **settings_of_the_last):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in places]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    each = [settings | {"strategy": "multi_worker"} for _ in places]
    each[-1] |= settings_of_the_last
    return [begin(each[index], place, cluster(addresses, index)) for index, place in enumerate(places)]


def wait_for_epochs(process, metrics, epochs):
    while not metrics.exists() or len(metrics.read_text().splitlines()) < epochs:
        assert process.poll() is None, process.ended().err
        time.sleep(0.2)


@pytest.fixture(scope="module")
def one_replica(begin, tmp_path_factory):
    directory = tmp_path_factory.mktemp("one")
    return finished(begin(SHORT | {"model_dir": str(directory / "run")}, directory / "tables", {})), directory


@pytest.mark.slow
def test_two_replicas_train_digits_as_well_as_one(begin, one_replica, tmp_path):
    summary, directory = one_replica
    settings = SHORT | {"strategy": "mirrored", "num_replicas": 2, "model_dir": str(tmp_path / "run")}
    of_two = finished(begin(settings, tmp_path / "tables", {}))
    assert of_two["test_accuracy"] == pytest.approx(summary["test_accuracy"], abs=0.02)
    assert of_two["dictionary_purity"] == pytest.approx(summary["dictionary_purity"], abs=0.02)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["replicas"] == 2
    # No visit of an example was missed.
    np.testing.assert_array_equal(
        np.load(tmp_path / "tables.npz")["visits"], np.load(directory / "tables.npz")["visits"]
    )


@pytest.mark.slow
def test_two_workers_survive_the_loss_of_one(begin, one_replica, tmp_path):
    """One of two is killed; the other says so and ends; both go on, and end with the same tables."""
    run, places = tmp_path / "run", [tmp_path / "first", tmp_path / "second"]
    settings = SHORT | {"model_dir": str(run)}
    first, second = begin_workers(begin, settings, places)
    metrics = run / "metrics.jsonl"
    wait_for_epochs(first, metrics, 3)
    second.send_signal(signal.SIGKILL)
    code, _, errors = first.ended()
    assert code == WORKER_LOST, errors
    assert "ieg_fsr: worker 0 lost another of the 2 workers" in errors
    assert "Traceback" not in errors
    epochs_before = len(metrics.read_text().splitlines())

    # A signal to one of them stops both after the same step.
    first, second = begin_workers(begin, settings, places)
    wait_for_epochs(first, metrics, epochs_before + 1)
    second.send_signal(signal.SIGTERM)
    stops = [worker.ended().err for worker in (first, second)]
    message = re.compile(r"stopped by (.*) after step (\d+) of .* from the last checkpoint in (.*)")
    reached = [message.search(stop).groups() for stop in stops]
    assert reached == [("another worker", reached[1][1], str(run)), ("SIGTERM", reached[1][1], str(run))]

    # One that does not see the checkpoint would go on from the beginning.
    workers = begin_workers(begin, settings, places, model_dir=str(tmp_path / "elsewhere"))
    refusals = [worker.ended().err for worker in workers]
    found = [re.search(r"that all workers see, .* where this worker found (.*)", text)[1] for text in refusals]
    assert found == [f"the checkpoint of step {reached[1][1]}", "no checkpoint"]

    first, second = begin_workers(begin, settings, places)
    summary = finished(first)
    assert finished(second)["test_accuracy"] == summary["test_accuracy"]
    assert len(metrics.read_text().splitlines()) == 30 > epochs_before
    assert summary["test_accuracy"] == pytest.approx(one_replica[0]["test_accuracy"], abs=0.02)
    tables = [np.load(f"{place}.npz") for place in places]
    for name in tables[0].files:
        np.testing.assert_array_equal(tables[0][name], tables[1][name])
    assert (run / "model.keras").exists()
    with open(run / "labels.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 1437
