"""What of a run survives: its directory, checkpoints, signals, failures."""
