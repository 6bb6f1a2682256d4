"""What FSR does between epochs, as a Keras callback."""

import keras


class DictionaryCallback(keras.callbacks.Callback):
    """Sets the phase before an epoch and renews the dictionary after it; `FSR.fit` puts it before other callbacks."""

    def __init__(self, initial_epoch: int = 0) -> None:
        """Args: initial_epoch: the first epoch of this `fit`."""
        super().__init__()
        self.initial_epoch = initial_epoch

    def on_train_begin(self, logs: dict | None = None) -> None:
        """The very first dictionary is a class-balanced random draw: no example has a score."""
        self.model.renew_dictionary(self.initial_epoch)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Warm-up or re-weighting."""
        self.model.set_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Step 9."""
        self.model.renew_dictionary(epoch + 1)
