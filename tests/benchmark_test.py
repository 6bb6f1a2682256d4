"""The command line of the benchmark."""

import json
import re
import subprocess
import sys

import pytest

from ieg_fsr import benchmark

SMALL = ["--networks=small_cnn", "--image_size=8", "--train_examples=100", "--batch_size=20", "--steps=2"]
SMALL += ["--reward_batch_size=10", "--dictionary_size=20", "--reward_interval=2"]


def test_prints_a_table_and_writes_rows_and_chart(tmp_path, capsys, two_blocks):
    output = tmp_path / "new" / "cost.json"
    assert benchmark.main([*SMALL, "--methods=keras,supervised,fsr", f"--output={output}"]) == 0
    rows = json.loads(output.read_text())
    assert [row["method"] for row in rows] == ["keras", "supervised", "fsr"]
    wanted = {"network", "method", "seconds_per_step", "time_ratio", "peak_memory_bytes", "memory_ratio"}
    assert wanted <= set(rows[0])
    assert output.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.count("| small_cnn |") == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--networks=alexnet"], "--networks must be some of small_cnn, .*Received: alexnet"),
        (["--methods=fsr,sgd"], "--methods must be some of .*Received: sgd"),
        (["--mode=day"], "--mode must be one of step, epoch, run. Received: day"),
        (["--mode=run", "--methods=keras"], "--methods must be some of supervised, .*Received: keras"),
        (["--mode=run", "--methods=fsr", "--gce_q=0.5"], "gce_q"),
        (["--steps=0"], "--steps must be whole numbers, at least 1. Received: 0"),
        (["--dictionary_size=10,x"], "--dictionary_size must be whole numbers, at least 1. Received: 10,x"),
        (["--pusher=best"], "--pusher must be one of .*Received: best"),
        (["--noise=2"], r"--noise must be a number in \[0, 1\]. Received: 2"),
        (["--colour=red"], "Unknown command line flag 'colour'"),
        (["resnet32"], "arguments must be flags .*Received: resnet32"),
        (["--output=cost.csv"], "--output must end in .json. Received: cost.csv"),
    ],
)
def test_slips_are_answered_in_one_line(words, message, capsys):
    assert benchmark.main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error), error


def test_help_names_every_option_and_no_recipe_of_other_programs(capsys):
    assert benchmark.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"^  --(\w+)", text, flags=re.MULTILINE) == list(benchmark.OPTIONS)
    assert "[recipe" not in text


def test_slips_are_answered_without_tensorflow():
    code = (
        "import sys; from ieg_fsr import benchmark; "
        "assert benchmark.main(['--methods=sgd']) == 2; assert 'tensorflow' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_a_network_that_does_not_take_the_images(tmp_path, capsys):
    output = tmp_path / "cost.json"
    assert benchmark.main(["--networks=resnet50", "--image_size=16", "--methods=keras", f"--output={output}"]) == 2
    assert "resnet50 needs images of at least 32x32" in capsys.readouterr().err
    assert not output.exists()
