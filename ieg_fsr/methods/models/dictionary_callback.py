"""What FSR does between epochs, as a Keras callback."""

import keras


class DictionaryCallback(keras.callbacks.Callback):
    """Sets the phase before an epoch and renews the dictionary after it; `FSR.fit` puts it before other callbacks."""

    def __init__(self, initial_epoch: int = 0, first_step: int = 0, ahead: int = 0) -> None:
        """Sets up the count.

        Args:
            initial_epoch: first of this `fit`.
            first_step: of its steps, if its first ones are done.
            ahead: added to Keras' count when `fit` is called again.
        """
        super().__init__()
        self.initial_epoch, self.first_step, self.ahead = initial_epoch, first_step, ahead

    def on_train_begin(self, logs: dict | None = None) -> None:
        """The very first dictionary is a class-balanced random draw: no example has a score.

        Within an epoch the scores have moved on: the dictionary is that of the checkpoint.
        """
        if self.first_step:
            self.model.keep_dictionary(self.initial_epoch + self.ahead)
        else:
            self.model.renew_dictionary(self.initial_epoch + self.ahead)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Warm-up or re-weighting."""
        self.model.set_epoch(epoch + self.ahead)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Step 9, and the mean weights."""
        if self.model.reweighting:
            self.model.mean_weights.update(self.model.last_weights)
        self.model.renew_dictionary(epoch + self.ahead + 1)
