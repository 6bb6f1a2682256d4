"""Settings of runs as the paper's tables name them: FSR's at full strength, which names leave out."""

from collections.abc import Mapping
from typing import Any

from ieg_fsr.configuration import resolve as resolving
from ieg_fsr.setting import Config


def resolve(given: Mapping[str, Any]) -> Config:
    """Resolved settings; of FSR with strength 1 where nothing else is given."""
    return resolving.resolve({"strength": "1"} | given if given.get("method", "fsr") == "fsr" else given)
