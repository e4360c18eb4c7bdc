"""Stored names as columns of arrays, so that a start of the coordinator can load a million of them at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class CodedTexts(NamedTuple):
    """A column of texts that are few: line `i` has `texts[codes[i]]`."""

    texts: list[str]
    codes: NDArray[np.int64]


class NameColumns(NamedTuple):
    """A batch of names without their details, fields as in `DomainRow`. Times in epoch seconds, NaN for none."""

    ids: NDArray[np.int64]  # ascending, also from batch to batch
    names: list[str]
    suffixes: CodedTexts
    flags: NDArray[np.int64]  # 1 watched, 2 priority, 4 needs single checks, 8 the store holds a detail
    states: CodedTexts
    since: NDArray[np.float64]
    confidence: NDArray[np.float64]
    generation: NDArray[np.int64]
    checked_at: NDArray[np.float64]
    next_check: NDArray[np.float64]
    drop_earliest: NDArray[np.float64]
    drop_latest: NDArray[np.float64]
    registry_due: NDArray[np.float64]
