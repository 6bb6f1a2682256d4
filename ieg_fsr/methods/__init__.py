"""Training methods as Keras models: `Supervised`, and `FSR`, whose `train_step` is the paper's Algorithm 1."""
