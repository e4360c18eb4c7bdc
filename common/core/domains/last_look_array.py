"""The records of `common.core.domains.last_look`, for work on many names at once; reading one by one needs no numpy."""

from __future__ import annotations

import numpy as np

#: One name, little endian. Times in epoch seconds, 0 for never; `code` of `parsers.dns_fast`, 0 where no sweep spoke.
RECORD = np.dtype(
    [
        ("checked_at", "<f8"),
        ("next_check", "<f8"),
        ("dns_at", "<f8"),
        ("dns_first", "<f8"),  # first of the uninterrupted run of equal answers
        ("serial", "<u4"),  # of the zone, behind an NXDOMAIN; 0 where there was none
        ("address", "<u2"),  # number of the server that answered
        ("code", "u1"),
        ("pending", "u1"),  # 1: its result is still to be posted
    ]
)
