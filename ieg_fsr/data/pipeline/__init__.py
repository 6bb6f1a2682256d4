"""From a source to batches: decoding, shuffles, augmentation, MixUp."""
