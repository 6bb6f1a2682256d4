"""Settings: their declarations, what a recipe makes of those not given, their flags and their help; no TensorFlow."""
