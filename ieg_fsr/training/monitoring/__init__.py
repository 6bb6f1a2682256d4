"""What is watched of a run: figures of each epoch, progress, TensorBoard, profile, model card."""
