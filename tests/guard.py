"""Hashes of what short runs of every method leave: a change of structure keeps them.

    python tests/guard.py record hashes.json     # on the code before
    python tests/guard.py check hashes.json      # on the code after; exit code 1 and a line for each that differs

One thread: the order of sums depends on their number, and the last digits on the processor.
"""

import hashlib
import json
import os
import pathlib
import sys
import tempfile

os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}

import numpy as np

_SHORT = {"dataset": "digits", "noise": 0.4, "train_examples": 300, "epochs": 6}
_FSR = {"method": "fsr", "reweight_warmup_epochs": 2, "dictionary_size": 50}
_HOLD_OUT = {"reweight_warmup_epochs": 2, "clean_per_class": 5}
RUNS = {
    "supervised": {"method": "supervised"},
    "supervised_mixup": {"method": "supervised", "mixup": True},
    "gce": {"method": "gce"},
    "elr": {"method": "elr"},
    "forward_correction": {"method": "forward_correction", "correction_warmup_epochs": 2},
    "coteaching": {"method": "coteaching", "coteaching_warmup_epochs": 2},
    "cb_softmax": {"method": "cb_softmax"},
    "cb_sigmoid": {"method": "cb_sigmoid"},
    "cb_focal": {"method": "cb_focal"},
    "focal": {"method": "focal"},
    "l2r": {"method": "l2r"} | _HOLD_OUT,
    "mwn": {"method": "mwn"} | _HOLD_OUT,
    "fsr": _FSR,
    "fsr_faithful": _FSR | {"faithful": True},
    "fsr_shift": _FSR | {"weight_constraint": "shift"},
    "fsr_forward": _FSR | {"reward_features": "forward"},
    "fsr_no_mixup": _FSR | {"mixup": False},
    "fsr_float16_labels": _FSR | {"pseudo_label_dtype": "float16"},
    "fsr_all_layers": _FSR | {"meta_layers": "all"},
}
# Where a run is, and which part of it: no result.
_PLACE = ("step", "position", "plan", "visits/ids", "visits/factors")


def hashes(settings: dict) -> dict[str, str]:
    """SHA-256 of state (parameters, optimizer, tables), labels.csv and metrics of one run."""
    from ieg_fsr.configuration.resolve import resolve
    from ieg_fsr.training.run import train

    with tempfile.TemporaryDirectory() as place:
        directory = pathlib.Path(place) / "run"
        train(resolve(_SHORT | settings | {"model_dir": str(directory)}), lambda text: None)
        newest = max(directory.glob("checkpoints/step-*"))
        with np.load(newest / "arrays.npz") as archive:
            # Without their names: a part may be called something else.
            arrays = sorted(_array_hash(archive[name]) for name in archive.files if name not in _PLACE)
        rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
        rows = [{k: v for k, v in row.items() if "seconds" not in k and k != "stage"} for row in rows]
        return {
            "state": _sha256("".join(arrays).encode()),
            "labels": _sha256((directory / "labels.csv").read_bytes()),
            "metrics": _sha256(json.dumps([sorted(row.items()) for row in rows]).encode()),
        }


def _array_hash(array: np.ndarray) -> str:
    return _sha256(f"{array.dtype.str} {array.shape}".encode() + array.tobytes())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(words: list[str]) -> int:
    """Records, or checks all runs or those named."""
    action, file, *names = words
    found = {}
    for name in names or RUNS:
        found[name] = hashes(RUNS[name])
        print(name, found[name]["state"][:12], flush=True)
    if action == "record":
        pathlib.Path(file).write_text(json.dumps(found, indent=1) + "\n")
        return 0
    known = json.loads(pathlib.Path(file).read_text())
    differing = [f"{run}: {what}" for run in found for what in known[run] if found[run][what] != known[run][what]]
    print("\n".join(differing) or "all equal")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
