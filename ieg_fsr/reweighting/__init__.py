"""Sample re-weighting in pure TensorFlow: features, targets and labels in, weights and tables out. Knows no data set.

One file, one piece of FSR (Zhang & Pfister, ICCV 2021) and its relatives: `meta_gradient` (Eq. 2-4) and `lookahead`
(the same for a Dense layer, from arrays), `weight_rules` with `weight_constraints` and `weight_net`, `pushers` (Eq. 5),
`score_table` (momentum of the scores), `dictionary` (the reward set), `reward_features`, `pseudo_labels`; `settings`,
which loads no TensorFlow, has what of it can be set.
"""

import importlib
from typing import Any

__all__ = ["LookaheadWeights", "lookahead_weights"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ieg_fsr.reweighting' has no attribute '{name}'")
    return getattr(importlib.import_module("ieg_fsr.reweighting.lookahead"), name)
