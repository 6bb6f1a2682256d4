"""Learning-rate schedules of the paper's experiments, from Keras' own, by epochs."""

from dataclasses import dataclass

import keras

SCHEDULES = ("cosine", "cosine_restarts", "steps")
# Cosine restarts of the paper's CIFAR-noise runs: one epoch, then twice as long each time, peaks falling by a tenth.
_RESTART_PERIOD_FACTOR, _RESTART_PEAK_FACTOR = 2.0, 0.9


@keras.saving.register_keras_serializable("ieg_fsr")
@dataclass
class LinearWarmup(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly to the first value of `after`, then follows it from its start."""

    after: keras.optimizers.schedules.LearningRateSchedule
    warmup_steps: int

    def __call__(self, step: int) -> keras.KerasTensor:
        """Learning rate of a step."""
        step = keras.ops.cast(step, "float32")
        rising = keras.ops.cast(self.after(0), "float32") * (step + 1.0) / self.warmup_steps
        return keras.ops.where(
            step < self.warmup_steps, rising, self.after(keras.ops.maximum(step - self.warmup_steps, 0.0))
        )

    def get_config(self) -> dict:
        """The arguments."""
        return {"after": keras.saving.serialize_keras_object(self.after), "warmup_steps": self.warmup_steps}

    @classmethod
    def from_config(cls, config: dict) -> "LinearWarmup":
        """The schedule that `get_config` describes."""
        return cls(keras.saving.deserialize_keras_object(config["after"]), config["warmup_steps"])


def learning_rate_schedule(
    name: str,
    learning_rate: float,
    steps_per_epoch: int,
    epochs: int,
    *,
    drop_epochs: tuple[int, ...] = (),
    drop_factor: float = 0.01,
    warmup_epochs: int = 0,
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Builds a schedule; ValueError for an unknown name.

    Args:
        name: "cosine" (one cosine from `learning_rate` to 0), "cosine_restarts" (first period one epoch, each next one
            twice as long with a peak a tenth lower) or "steps".
        learning_rate: first peak.
        drop_epochs: for "steps": epochs before which the rate is multiplied by `drop_factor`.
        warmup_epochs: epochs of linear rise in front.
    """
    steps = max((epochs - warmup_epochs) * steps_per_epoch, 1)
    if name == "cosine":
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    elif name == "cosine_restarts":
        schedule = keras.optimizers.schedules.CosineDecayRestarts(
            learning_rate, steps_per_epoch, t_mul=_RESTART_PERIOD_FACTOR, m_mul=_RESTART_PEAK_FACTOR
        )
    elif name == "steps":
        # PiecewiseConstantDecay keeps a value up to and including its boundary.
        boundaries = [(epoch - warmup_epochs) * steps_per_epoch - 1 for epoch in drop_epochs]
        values = [learning_rate * drop_factor**drops for drops in range(len(drop_epochs) + 1)]
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)
    else:
        raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}. Received: {name}")
    return LinearWarmup(schedule, warmup_epochs * steps_per_epoch) if warmup_epochs else schedule
