"""Sound files that cases damage: trained models and directories of runs. Made once."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

FINISHED_RUN, UNFINISHED_RUN = "finished", "unfinished"
MODELS = ("model.keras", "model.h5", "saved_model")
WORDS = ("--epochs=3", "--train_examples=60", "--batch_size=20", "--dictionary_size=20", "--reward_batch_size=10",
         "--reweight_warmup_epochs=1", "--noise=0.4", "--model_dir=run")  # fmt: skip


def base_directory(base: pathlib.Path) -> pathlib.Path:
    """`base`, made if it is not there."""
    if base.exists():
        return base
    making = base.with_name(f"{base.name}-making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "ieg_fsr.main", *WORDS], cwd=making, env=environment, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    (making / "run").rename(making / FINISHED_RUN)
    _unfinished(making / FINISHED_RUN, making / UNFINISHED_RUN)
    for name in MODELS:
        if name.endswith(".h5"):
            _as_h5(making)
        else:
            source = making / FINISHED_RUN / name
            shutil.copytree(source, making / name) if source.is_dir() else shutil.copy(source, making / name)
    (making / "command.txt").write_text(" ".join(WORDS))
    making.rename(base)
    return base


def _unfinished(finished: pathlib.Path, place: pathlib.Path) -> None:
    """The run as it was after its second epoch: its last checkpoint is gone, and all that comes at the end."""
    shutil.copytree(finished, place)
    for name in ("model.keras", "model_ema.keras", "labels.csv", "summary.json"):
        (place / name).unlink()
    shutil.rmtree(place / "saved_model")
    newest = max((place / "checkpoints").iterdir())
    shutil.rmtree(newest)
    rows = (place / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[:2]
    (place / "metrics.jsonl").write_text("\n".join(rows) + "\n")


def _as_h5(making: pathlib.Path) -> None:
    import keras

    from ieg_fsr.quiet_import import without_startup_notes

    with without_startup_notes():
        model = keras.saving.load_model(making / FINISHED_RUN / "model.keras", compile=False)
        model.save(making / "model.h5")
