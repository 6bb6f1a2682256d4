"""Cases of damaged inputs: which kind a case is, and those of archives, models, flag files and run directories."""

import io
import pathlib
import shutil
import tarfile

import numpy as np

from launch.fuzz.arrays import SMALL, archive_case, npz_case, table_case
from launch.fuzz.base import FINISHED_RUN, MODELS, UNFINISHED_RUN, base_directory
from launch.fuzz.cases import EITHER, Case, generator, pick
from launch.fuzz.damage import damage_file, damaged
from launch.fuzz.images import image_case

CIFAR_WORDS = ("--dataset=cifar10", "--data_dir=data", *SMALL)


def input_case(seed: int, number: int, place: pathlib.Path, base: pathlib.Path) -> Case:
    """Writes the files of case `number` into `place`; kinds take turns. Args: base: of sound files, made if missing."""
    rng = generator(seed, "inputs", number)
    kinds = (npz_case, image_case, table_case, _cifar, _model, _run, _run, archive_case, _text_file, _model)
    kind = kinds[number % len(kinds)]
    if kind in (_model, _run):
        return kind(number, rng, place, base_directory(base))
    return kind(number, rng, place)


def _cifar(number: int, rng: np.random.Generator, place: pathlib.Path) -> Case:
    """CIFAR-10 as an archive or unpacked, small, with a damaged byte stream, member or pickle."""
    python = rng.random() < 0.5
    folder = "cifar-10-batches-py" if python else "cifar-10-batches-bin"
    files = {f"{folder}/{name}": content for name, content in _batches(rng, python).items()}
    about = ""
    if rng.random() < 0.5:
        name = pick(rng, tuple(files))
        files[name], about = damaged(files[name], rng)
        about = f"{name} {about}"
    root = place / "data"
    root.mkdir()
    if rng.random() < 0.3:
        (root / folder).mkdir()
        for name, content in files.items():
            (root / name).write_bytes(content)
    else:
        path = root / f"cifar-10-{'python' if python else 'binary'}.tar.gz"
        _archive(path, files, _strange_members(rng))
        if not about:
            about = damage_file(path, rng)
    return Case("inputs", number, CIFAR_WORDS, EITHER, f"cifar10, {about or 'sound'}", ("cifar10",))


def _batches(rng: np.random.Generator, python: bool) -> dict[str, bytes]:
    import pickle

    files = {}
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
        labels, pixels = np.arange(10, dtype=np.uint8), rng.integers(0, 256, (10, 3072), np.uint8)
        if python:
            files[name] = pickle.dumps({"data": pixels, "labels": labels.tolist()}, protocol=2)
        else:
            files[f"{name}.bin"] = np.hstack([labels[:, np.newaxis], pixels]).tobytes()
    return files


def _strange_members(rng: np.random.Generator) -> list[tarfile.TarInfo]:
    """Members that an unpacking program could be led astray by."""
    members = []
    for name, kind, target in (("../escaped", tarfile.REGTYPE, ""), ("/tmp/fuzz-escaped", tarfile.REGTYPE, ""),
                               ("link", tarfile.SYMTYPE, "/etc"), ("hard", tarfile.LNKTYPE, "../../etc/passwd"),
                               ("pipe", tarfile.FIFOTYPE, ""), ("device", tarfile.CHRTYPE, "")):  # fmt: skip
        if rng.random() < 0.3:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            members.append(entry)
    return members


def _archive(path: pathlib.Path, files: dict[str, bytes], strange: list[tarfile.TarInfo]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for entry in strange:
            archive.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def _model(number: int, rng: np.random.Generator, place: pathlib.Path, base: pathlib.Path) -> Case:
    """A damaged model file or SavedModel, evaluated."""
    name = pick(rng, MODELS)
    path = place / name
    if (base / name).is_dir():
        shutil.copytree(base / name, path)
        about = _damage_below(path, rng)
    else:
        shutil.copy(base / name, path)
        about = damage_file(path, rng)
    words = ("--mode=evaluate", f"--model={name}", "--model_dir=out")
    return Case("inputs", number, words, EITHER, f"model {name}, {about}", ("--model",))


def _run(number: int, rng: np.random.Generator, place: pathlib.Path, base: pathlib.Path) -> Case:
    """A damaged directory of a run: trained on, or read by the tables."""
    name = pick(rng, (FINISHED_RUN, UNFINISHED_RUN))
    shutil.copytree(base / name, place / "run")
    about = "; ".join(_damage_below(place / "run", rng) for _ in range(int(rng.integers(1, 3))))
    if rng.random() < 0.3:
        words = ("--runs=run", "--output=tables")
        return Case("inputs", number, words, EITHER, f"tables of {name}, {about}", ("--runs",), "ieg_fsr.tables")
    words = (base / "command.txt").read_text().split()
    return Case("inputs", number, tuple(words), EITHER, f"{name}, {about}", ("--model_dir", "run"))


def _damage_below(root: pathlib.Path, rng: np.random.Generator) -> str:
    """One file: other bytes, gone, a directory or a link in its place."""
    path = pick(rng, sorted(path for path in root.rglob("*") if path.is_file()))
    if rng.random() < 0.7:
        return damage_file(path, rng)
    about = pick(rng, ("gone", "a directory", "a link to nowhere"))
    path.unlink()
    if about == "a directory":
        path.mkdir()
    elif about == "a link to nowhere":
        path.symlink_to("nowhere")
    return f"{path.name} {about}"


def _text_file(number: int, rng: np.random.Generator, place: pathlib.Path) -> Case:
    """A damaged flag file."""
    path = place / "run.flags"
    path.write_text("# a run\n--epochs=1\n--train_examples=40\n--batch_size=10\n--model_dir=run\n--noise=0.4\n")
    about = damage_file(path, rng)
    words = (f"--flagfile={path.name}", "--epochs=1", "--train_examples=40", "--batch_size=10", "--model_dir=run")
    return Case("inputs", number, words, EITHER, f"flag file, {about}", ("--", "flag", "arguments"))
