"""Training methods, a module each: its `MethodSpec`, and its loss where that is all; `models` has the Keras models.

A loss of a label y is meant for soft targets t (MixUp, smoothed labels) as the sum over y of t_y times the loss of y:
each is linear in its targets [B, C]. `registry` collects the specs. Only `models` loads TensorFlow when it is imported.
"""
