"""Training methods, a module each: its `MethodSpec`, and its loss where that is all; `models` has the Keras models.

`registry` collects the specs. Only `models` loads TensorFlow when it is imported.
"""
