"""Any label noise, as a transition matrix from a file: `--noise_matrix`, `--correction_matrix`."""

import csv
import pathlib

import numpy as np

from ieg_fsr.data.labels.corruption import noise_transition_matrix
from ieg_fsr.errors import UserError, refusal
from ieg_fsr.setting import Config

# A row may miss 1 by this much: files with six decimals are common.
_ROW_SUM_TOLERANCE = 1e-6


def transition_matrix(config: Config, num_classes: int) -> np.ndarray:
    """P(given j | true i) of a run's noise, [C, C]. Args: config: its settings. num_classes: C.

    Raises:
        UserError: it is in a file that cannot be read, or is not such a matrix.
    """
    if config.noise_matrix is not None:
        return read_noise_matrix(config.noise_matrix, num_classes)
    return noise_transition_matrix(config.noise_type, num_classes, config.noise, config.dataset)


def read_noise_matrix(path: str, num_classes: int, flag: str = "--noise_matrix") -> np.ndarray:
    """Reads P(given j | true i), [C, C], float64, from a .npy file or, else, from CSV without a header.

    Args: path: of the file. num_classes: C. flag: that gave the path, for the message.

    Raises:
        UserError: no such file, not numbers, not [C, C], an entry outside [0, 1], or a row that does not sum to 1.
    """
    try:
        matrix = _read_npy(path) if pathlib.Path(path).suffix == ".npy" else _read_csv(path)
    except OSError as error:
        raise UserError(f"{flag} must be a readable file ({error.strerror}). Received: {path}") from None
    except (ValueError, EOFError, csv.Error):
        raise refusal(flag, "be rows of numbers, a .npy file or CSV without a header", path) from None
    rule = received = ""
    allowed = (matrix >= 0.0) & (matrix <= 1.0)  # Neither holds for NaN.
    if matrix.shape != (num_classes, num_classes):
        rule, received = f"be of shape [{num_classes}, {num_classes}]", f"{list(matrix.shape)} in"
    elif not allowed.all():
        row, column = np.argwhere(~allowed)[0]
        rule = "hold probabilities in [0, 1]"
        received = f"{matrix[row, column]:g} in row {row}, column {column} (counted from 0) of"
    elif (wrong := np.flatnonzero(np.abs(matrix.sum(axis=1) - 1.0) > _ROW_SUM_TOLERANCE)).size:
        rule = "have rows that sum to 1"
        received = f"{matrix.sum(axis=1)[wrong[0]]:.9g} in row {wrong[0]} (counted from 0) of"
    if rule:
        raise refusal(flag, rule, f"{received} {path}")
    return matrix


def _read_npy(path: str) -> np.ndarray:
    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise ValueError("not an array of numbers")
    return array.astype(np.float64)


def _read_csv(path: str) -> np.ndarray:
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = [[float(cell) for cell in row] for row in csv.reader(file) if row]
    return np.array(rows, np.float64)
