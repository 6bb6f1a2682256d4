"""The callback that writes layer_gradients.jsonl."""

import pathlib

import keras

from ieg_fsr.errors import UserError
from ieg_fsr.files import read_json_lines, write_json_lines


class LayerGradientLog(keras.callbacks.Callback):
    """Measures every `interval` epochs: a line {"epoch": 1 = after the first, "layers": as the model gives them}."""

    def __init__(self, directory: pathlib.Path, interval: int, epochs_done: int = 0) -> None:
        """Args: directory: of the run. interval: in epochs. epochs_done: by earlier processes, whose lines stay."""
        super().__init__()
        self.file, self.interval = directory / "layer_gradients.jsonl", interval
        try:
            earlier = read_json_lines(self.file) if epochs_done and self.file.exists() else []
            self.rows = [row for row in earlier if row["epoch"] <= epochs_done]
        except (OSError, ValueError, LookupError, TypeError):
            raise UserError(
                f"--model_dir must be new or a run with a whole {self.file.name}; --noresume replaces the run. "
                f"Received: {directory}"
            ) from None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measures after the last step of the epoch, outside of the traced one."""
        if (epoch + 1) % self.interval == 0:
            self.rows.append({"epoch": epoch + 1, "layers": self.model.layer_gradients(epoch)})
            write_json_lines(self.file, self.rows)
