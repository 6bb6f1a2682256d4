"""From a source to the batches of a step: checks, decoding, shuffles, augmentation, MixUp."""
