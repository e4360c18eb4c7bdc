"""Arrays of ids of names, and of times that belong to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Ids of names: their places in the domain table, counted from 0.
Ids = NDArray[np.int64]
#: Epoch seconds, one for each id.
Times = NDArray[np.float64]
#: The due time of a name that is not scheduled.
NEVER = float("inf")
