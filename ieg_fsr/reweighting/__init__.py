"""Sample re-weighting in pure TensorFlow: features, targets and labels in, weights and tables out. Knows no data set.

One file, one piece of FSR (Zhang & Pfister, ICCV 2021) and its relatives: `meta_gradient` (Eq. 2-4) and `lookahead`
(the same for a Dense layer, from arrays), `weight_rules` with `weight_constraints` and `weight_net`, `pushers` (Eq. 5),
`score_table` (momentum of the scores), `dictionary` (the reward set), `reward_features`, `pseudo_labels`.
"""

from ieg_fsr.reweighting.lookahead import LookaheadWeights, lookahead_weights

__all__ = ["LookaheadWeights", "lookahead_weights"]
