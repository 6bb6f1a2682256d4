"""Sample re-weighting in pure TensorFlow: features, targets and labels in, weights and tables out. Knows no data set.

One file, one piece of FSR (Zhang & Pfister, ICCV 2021): `lookahead` (Eq. 2-4), `weight_constraints`, `pushers` (Eq. 5),
`score_table` (momentum of the scores), `dictionary` (the reward set), `reward_features`, `pseudo_labels`.
"""

from ieg_fsr.reweighting.lookahead import LookaheadWeights, lookahead_step, lookahead_weights

__all__ = ["LookaheadWeights", "lookahead_step", "lookahead_weights"]
