"""What a training step costs: entries to measure -> alternating runs -> rows of figures -> table and chart."""
