"""The Keras models of the methods; `Supervised` is the frame of all, `FSR` is Algorithm 1."""
