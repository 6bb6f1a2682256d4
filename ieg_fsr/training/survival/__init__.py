"""What of a run survives: its directory and checkpoints, through signals, kills, failures and divergence."""
