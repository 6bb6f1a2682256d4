"""What README.md and docs/ show works: commands, Python code, flags, files, functions, tables of settings.

What trains, evaluates or makes tables with data that are here runs as it stands but for its length; of what needs other
data, an accelerator or hours the settings are checked together, and a script is there and gets flags that exist.
"""

import importlib
import pathlib
import re
import shlex

import keras
import numpy as np
import pytest

from ieg_fsr import benchmark, tables
from ieg_fsr.configuration.flags import given_settings, parse_options
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.configuration.settings import SETTINGS, settings_for, text_of
from ieg_fsr.data.sources.datasets import image_side
from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.mode import evaluate
from ieg_fsr.networks import build_network
from ieg_fsr.results.reports import REPORTS
from ieg_fsr.training.run import train

ROOT = pathlib.Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = ("main", "tables", "benchmark")

_OF_OTHER_PROGRAMS = {"networks", "methods", "steps", "no", "build", "deps", "help", "helpfull", "logdir", "flagfile"}
_OF_OTHER_PROGRAMS |= {"source", "runs", "output", "table", "metric", "conditions", "seeds", "flags", "inputs", "jobs"}
# What stands for something of the reader's, and what it is tried with. Any other capitals are a mistake.
_PLACEHOLDERS = {"S": "0", "METHOD": "elr", "DIR": "place", "FILE": "place"}
# Commands of other programs, or that only look.
_NOT_OURS = ("source", "tensorboard", "head", "cat", "pip", "ls")
_DATA_HERE = ("digits", "folder", "npz")
_SHORT = {"epochs": 1, "train_examples": 120, "dictionary_size": 20, "batch_size": 20, "reward_batch_size": 20}
_SHORT |= {"reweight_warmup_epochs": 0, "network": "small_cnn", "image_size": 16, "correction_warmup_epochs": 0}


def text_of_document(path):
    return path.read_text(encoding="utf-8")


def commands_of(path):
    """All commands of a document, on one line each, variables of its blocks filled in."""
    text, found = text_of_document(path), []
    for block in re.findall(r"```(?:bash|sh)\n(.*?)```", text, flags=re.DOTALL):
        variables = {}
        for line in block.replace("\\\n", " ").splitlines():
            if assigned := re.fullmatch(r'(\w+)="(.*)"', line):
                variables[assigned.group(1)] = assigned.group(2)
            elif words := line.partition(" #")[0].strip():
                found.append(re.sub(r"\$(\w+)", lambda match, names=variables: names[match.group(1)], words))
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    found += [span for span in spans if re.match(r"(bash launch/|python |ieg-fsr )", span)]
    return [command for command in found if not command.endswith("...")]


COMMANDS = sorted({command for path in DOCUMENTS for command in commands_of(path)})


def words_of(command):
    """The words of a command without variables of the environment in front, placeholders filled in."""
    words = shlex.split(command)
    while re.fullmatch(r"(?s)[A-Z_]+=.*", words[0]):
        words.pop(0)
    return [re.sub(r"\b(S|METHOD|DIR|FILE)\b", lambda match: _PLACEHOLDERS[match.group(1)], word) for word in words]


def program_of(words):
    """main, tables or benchmark, and its arguments; None and all words for others."""
    if words[0] == "ieg-fsr":
        return "main", words[1:]
    module = " ".join(words[:2]) == "python -m" and words[2].partition(".")
    return (module[2], words[3:]) if module and module[0] == "ieg_fsr" else (None, words)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with what the documents' commands speak of: flag files, an npz file, a folder of images."""
    for directory in ("flags", "launch"):
        (tmp_path / directory).symlink_to(ROOT / directory)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x_train=rng.integers(0, 256, (200, 28, 28), np.uint8), y_train=np.arange(200) % 4)
    for label in ("cat", "dog"):
        for part, count in (("train", 70), ("test", 5)):
            folder = tmp_path / "photos" / part / label
            folder.mkdir(parents=True)
            for i in range(count):
                keras.utils.save_img(folder / f"{i}.png", rng.integers(0, 256, (20, 20, 3)).astype(np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands():
    assert len(COMMANDS) > 40
    assert {program_of(words_of(command))[0] for command in COMMANDS} == {*PROGRAMS, None}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_can_be_given(command, place):
    program, words = program_of(words_of(command))
    if not words or {"--help", "--helpfull"} & set(words):
        pass
    elif program == "main":
        (place / "place").mkdir()
        assert resolve(given_settings(words)).dataset
    elif program == "tables":
        options, _ = parse_options(words, tables.OPTIONS)
        assert set((options["table"] or "noise").split(",")) <= set(REPORTS)
    elif program == "benchmark":
        assert benchmark._entries(*parse_options(words, benchmark.OPTIONS, SETTINGS))
    elif words[0] == "bash":
        check_script(words[1:])
    elif words[0] == "python" and words[1:3] != ["-m", "pip"]:
        assert (ROOT / words[1]).is_file(), command
    else:
        assert words[0] in (*_NOT_OURS, "python"), command


def check_script(words):
    """A script of launch/, and what it passes on to ieg_fsr.main."""
    script, *rest = words
    assert (ROOT / script).is_file(), script
    if script in ("launch/sweep.sh", "launch/profile.sh"):
        flags = [word for word in rest if word.startswith("--")]
        axes = [f"--{word.partition(',')[0]}" for word in rest if re.fullmatch(r"\w+=.*", word)]
        file = [f"--flagfile={word}" for word in rest if word.endswith(".flags")]
        resolve(given_settings([*file, *axes, *flags]))


def short(given):
    """The settings of a run that takes a second or two."""
    dataset, own = given["dataset"].partition(":")[0], settings_for(given.get("method", "fsr"))
    needs = {name: value for name, value in _SHORT.items() if name in own}
    if dataset != "folder":
        needs.pop("image_size")
    if "imbalance" in given:
        needs.pop("train_examples")
    return given | needs


def trains_here(command):
    program, words = program_of(words_of(command))
    if program != "main" or {"--help", "--helpfull"} & set(words) or any("flagfile" in word for word in words):
        return False
    given = {"mode": "train", "strategy": "none", "dataset": "", "network": ""} | given_settings(words)
    # A network with a colon in its name is fetched, or a file of the reader's.
    here = given["dataset"].partition(":")[0] in _DATA_HERE and ":" not in given["network"]
    return here and (given["mode"], given["strategy"]) == ("train", "none")  # see tests/training/distribution_test.py


def kind_of(command):
    """Runs of one kind, made short, differ in little; all commands are resolved above."""
    given = given_settings(program_of(words_of(command))[1])
    return *(given.get(name) for name in ("dataset", "method", "weight_constraint")), "imbalance" in given


@pytest.mark.slow
@pytest.mark.parametrize("command", {kind_of(each): each for each in COMMANDS if trains_here(each)}.values())
def test_a_command_trains(command, place, two_blocks, no_saved_model):
    given = short(given_settings(program_of(words_of(command))[1]))
    summary = train(resolve(given | {"model_dir": "run"}), lambda text: None)
    assert summary["dataset"] == given["dataset"]
    assert (place / "run" / "model.keras").is_file()


@pytest.mark.slow
def test_commands_that_evaluate(place):
    evaluations = [words for program, words in map(program_of, map(words_of, COMMANDS)) if "--mode=evaluate" in words]
    assert len(evaluations) >= 2
    for words in evaluations:
        config = resolve(given_settings(words))
        side = image_side(config.dataset) or 224
        shape, classes = ((8, 8, 1), 10) if config.dataset == "digits" else ((side, side, 3), 2)
        pathlib.Path(config.model).parent.mkdir(parents=True)
        build_network("small_cnn", shape, classes).save(config.model)
        evaluate(config, lambda text: None)


@pytest.mark.slow
def test_commands_that_make_tables(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    commands = set()  # of those that differ in their runs only, one; tests/documents_test.py has those of docs/results
    for program, words in map(program_of, map(words_of, COMMANDS)):
        if program == "tables" and "--output=" in str(words) and "--runs=docs/" not in str(words):
            commands.add(tuple(re.sub(r"--runs=.*", "--runs=docs/results/runs.csv", word) for word in words))
    for words in sorted(commands):
        assert (tables.main(list(words)), capsys.readouterr().err) == (0, ""), words


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_flags_exist(document):
    known = set(SETTINGS) | _OF_OTHER_PROGRAMS
    for flag in re.findall(r"--(\w+)", text_of_document(document)):
        assert flag in known or flag.removeprefix("no") in known, flag


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_linked_and_named_files_exist(document):
    text = text_of_document(document)
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    named = re.findall(r"\b(?:launch|ieg_fsr|docs|flags|tests)/[\w/.]+\.(?:sh|py|md|png|flags)", text)
    for path in links:
        assert (document.parent / path).exists(), path
    for path in named:
        assert (ROOT / path).exists() or "/NAME" in path, path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_linked_headings_exist(document):
    for file, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", text_of_document(document)):
        headings = re.findall(r"^#+ (.*)$", text_of_document(document.parent / file), flags=re.MULTILINE)
        assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_document_is_linked_from_the_readme():
    text = text_of_document(ROOT / "README.md")
    for path in DOCUMENTS[1:]:
        assert f"({path.relative_to(ROOT)})" in text, path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_linked_functions_exist(document):
    """[`Class.method`](../ieg_fsr/file.py) names something that the file has, and not by inheritance."""
    for name, file in re.findall(r"\[`(\w[\w.]*)`\]\((?:\.\./)?(ieg_fsr/[\w/]+\.py)\)", text_of_document(document)):
        if not name.endswith(".py"):
            value = importlib.import_module(file.removesuffix(".py").replace("/", "."))
            for part in name.split("."):
                value = getattr(value, part)
            assert re.search(rf"(def|class) {part}\b|^{part}\b", (ROOT / file).read_text(), re.M), (name, file)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_code_runs(document, tmp_path, monkeypatch, two_blocks):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (400, 8, 8, 1), np.uint8), np.arange(400) % 4
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", text_of_document(document), flags=re.DOTALL):
        classifier = build_network("small_cnn", (8, 8, 1), 4)
        names = {"x": x, "y": y, "x_test": x, "y_test": y, "classifier": classifier}
        shorter = re.sub(r"(?<!warmup_)epochs=\d+", "epochs=2", block)
        exec(re.sub(r"warmup_epochs=\d+", "warmup_epochs=1", shorter), names)
        if "suspects.csv" in block:
            assert (tmp_path / "suspects.csv").read_text(encoding="utf-8").startswith("example_id,given_label")
            assert keras.models.load_model("classifier.keras").output_shape == (None, 4)


def test_recipes_has_every_flag_file_and_what_it_sweeps():
    text = text_of_document(ROOT / "docs" / "RECIPES.md")
    rows = dict(re.findall(r"^\| `(flags/[\w.]+)` \| [^|]+ \| ([^|]+) \|$", text, flags=re.MULTILINE))
    assert set(rows) == {f"flags/{path.name}" for path in (ROOT / "flags").glob("*.flags")}
    for file, swept in rows.items():
        lines = re.findall(r"^# sweep: (.*)$", (ROOT / file).read_text(), flags=re.MULTILINE)
        names = {axis.partition("=")[0] for line in lines for axis in line.split()}
        if swept != "see the file":
            assert names - {"mixup"} <= set(swept.split(", ")) <= names, file


@pytest.mark.parametrize(
    ("heading", "given"),
    [
        ("Settings: label noise, and clean data", {}),
        ("Settings: a long tail", {"imbalance": 50.0, "strength": "1"}),
        ("Settings: a long tail with label noise", {"imbalance": 50.0, "noise": 0.2, "strength": "1"}),
    ],
)
def test_tables_of_settings_are_the_recipes(heading, given):
    section = text_of_document(ROOT / "docs" / "RECIPES.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", section, re.M)
    ]
    datasets = lines[0][1:]
    assert len(lines) > 10
    for flag, *cells in lines[2:]:
        name = flag.removeprefix("--")
        for dataset, cell in zip(datasets, cells, strict=True):
            assert cell == shown(getattr(resolve({"dataset": dataset} | given), name)), (name, dataset)


def shown(value):
    """A setting as a table has it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "-" if value in (None, ()) else f"{value:g}" if isinstance(value, float) else text_of(value)


def test_the_cost_of_a_step_is_the_same_in_both_places():
    [rows] = re.findall(r"^(\| a step of .*?)\n\n", text_of_document(ROOT / "README.md"), re.M | re.S)
    assert rows in text_of_document(ROOT / "docs" / "COST.md")


def test_what_cannot_be_given_would_be_noticed(place):
    with pytest.raises(UserError):
        test_a_command_can_be_given("python -m ieg_fsr.main --dataset=digit", place)
    with pytest.raises(AssertionError):
        test_a_command_can_be_given("bash launch/sweeps.sh", place)
