"""Losses as pure functions of targets and logits, each [B, C] -> [B]. A loss of a label y is meant for soft targets t
(MixUp, smoothed labels) as the sum over y of t_y times the loss of y: every function here is linear in its targets."""
