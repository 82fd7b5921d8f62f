"""How pictures become rows, and the text that names it in a cache."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from skresnet.backbone import BackboneSpec
from skresnet.cache import EmbeddingCache
from skresnet.reading import Treatment

# Raised whenever other features come of the same picture and settings, so that rows
# of an earlier version are not taken from a cache.
FEATURES_VERSION = 1


@dataclass(frozen=True)
class Plan:
    """How to turn pictures into rows."""

    spec: BackboneSpec
    treatment: Treatment
    batch_size: int
    n_jobs: int | None
    on_error: str
    cache: EmbeddingCache | None
    verbose: int

    @property
    def settings(self) -> str:
        """All that decides a row besides the content of the picture."""
        decisive = {**asdict(self.spec), **asdict(self.treatment)}
        # Equal weights are equal wherever their file lies.
        decisive["weights"] = self.spec.weights.digest
        decisive["version"] = FEATURES_VERSION
        return json.dumps(decisive, sort_keys=True, default=_plain)


def _plain(number: Any) -> Any:
    """Make the Python number of a NumPy one, which JSON does not know."""
    return number.item()
