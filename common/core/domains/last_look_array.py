"""The records of `common.core.domains.last_look` as an array type, for many names at once; single ones need no numpy."""

from __future__ import annotations

import numpy as np

#: The last look at one name, little endian. Times in epoch seconds, 0 for never; `code` of `parsers.dns_fast`, 0 for none.
RECORD = np.dtype(
    [
        ("checked_at", "<f8"),
        ("next_check", "<f8"),
        ("dns_at", "<f8"),
        ("dns_first", "<f8"),  # first of the uninterrupted run of equal answers
        ("serial", "<u4"),  # of the zone, behind an NXDOMAIN; 0 where there was none
        ("address", "<u2"),  # number of the server that answered
        ("code", "u1"),
        ("pending", "u1"),  # 1 while its result has to be posted
    ]
)
