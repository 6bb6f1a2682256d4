"""Traces written by hand: what belongs to which part of a step."""

import os

import pytest
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from ieg_fsr.training.monitoring.profile_summary import describe_profile, read_profile, summarise

MILLISECOND = 10**9  # in picoseconds


def plane(space, name, lines, tf_ops=None):
    """Lines of events (name, start, duration in ms); `tf_ops`: the operation of a kernel, by its name."""
    made = space.planes.add(name=name)
    made.stat_metadata[1].name = "tf_op"
    for line_name, events in lines.items():
        line = made.lines.add(name=line_name)
        for text, start, duration in events:
            number = len(made.event_metadata) + 1
            made.event_metadata[number].name = text
            event = line.events.add(metadata_id=number, offset_ps=start * MILLISECOND)
            event.duration_ps = duration * MILLISECOND
            if tf_ops:
                event.stats.add(metadata_id=1, str_value=tf_ops[text])


HOST = {
    "python": [("train", 0, 100), ("train", 100, 140), ("EagerExecute", 0, 90)],
    "worker 1": [
        ("ExecutorState::Process", 0, 200),
        ("a/forward/conv:_MklConv2D", 10, 30),
        ("a/gradient_tape/forward/conv:Conv2DBackpropInput", 40, 50),
        ("a/lookahead/call:PartitionedCall", 100, 40),
        ("a/tables/inside:MatMul", 110, 10),
    ],
    "worker 2": [("a/forward/other:Mul", 10, 20), ("stack:Pack", 30, 4)],
    "tf_data_private": [("Gather:GatherV2", 0, 6)],
}


def test_operations_of_the_host_by_part():
    space = xplane_pb2.XSpace()
    plane(space, "/host:CPU", HOST)
    summary = summarise(space)
    assert summary.step_seconds == pytest.approx([0.1, 0.14])
    # The table's operation ran within that of the lookahead.
    expected = {"forward": 0.05, "lookahead": 0.03, "backward": 0.05, "tables": 0.01, "pipeline": 0.006, "other": 0.004}
    assert summary.scope_seconds == pytest.approx(expected)
    assert list(summary.scope_seconds) == list(expected)
    text = describe_profile(summary)
    assert "2 steps traced, median 120.0 ms" in text
    assert "forward              25.00 ms / step   33.3%" in text


def test_kernels_of_an_accelerator_stand_before_the_host():
    space = xplane_pb2.XSpace()
    plane(space, "/host:CPU", HOST)
    ops = {"kernel 1": "a/forward/conv:Conv2D", "kernel 2": "a/update/add:AddV2"}
    plane(space, "/device:GPU:0", {"Stream 1": [("kernel 1", 0, 7), ("kernel 2", 7, 1)]}, ops)
    assert summarise(space).scope_seconds == pytest.approx({"forward": 0.007, "update": 0.001})


def test_a_step_in_one_operation_is_said_to_be_one():
    space = xplane_pb2.XSpace()
    plane(space, "/host:CPU", {"worker": [("cluster:XlaLaunch", 0, 5)], "python": [("train", 0, 5)]})
    assert "--jit_compile=false shows its parts" in describe_profile(summarise(space))


def test_the_newest_trace_is_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_profile(tmp_path)
    for number, duration in ((1, 10), (2, 20)):
        space = xplane_pb2.XSpace()
        plane(space, "/host:CPU", {"python": [("train", 0, duration)]})
        path = tmp_path / "plugins" / "profile" / f"run{3 - number}" / "host.xplane.pb"
        path.parent.mkdir(parents=True)
        path.write_bytes(space.SerializeToString())
        os.utime(path, (number, number))
    assert read_profile(tmp_path).step_seconds == pytest.approx([0.02])
