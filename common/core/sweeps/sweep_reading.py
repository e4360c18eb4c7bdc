"""Reads the result of a sweep: the byte of each name becomes a code, and an observation where a check starts from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.core.domains.last_look import sweep_reading_of
from common.core.model.evidence import Observation, unknown_reading
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNASKED, UNUSUAL
from common.messages import SweepResult

Codes = NDArray[np.uint8]

#: Stands for the address that answered where none did.
NO_ADDRESS = 255
#: The reading of a name whose query timed out.
TIMED_OUT = unknown_reading("dns_timeout", "no answer in time")


def codes_of(message: SweepResult, size: int) -> tuple[Codes, Codes]:
    """The code of each name, and the index of the address that gave it; OPEN for unknown codes, and for a zone in trouble."""
    if message.trouble is not None:
        return np.full(size, OPEN, np.uint8), np.full(size, NO_ADDRESS, np.uint8)
    codes = np.frombuffer(message.codes, np.uint8)
    known = (codes == DELEGATED) | (codes == NXDOMAIN) | (codes == UNUSUAL) | (codes == UNASKED)
    return np.where(known, codes, OPEN).astype(np.uint8), np.frombuffer(message.served, np.uint8)


def serial_of(message: SweepResult) -> int:
    """The zone's SOA serial: 32 bits (RFC 1035 section 3.3.13), 0 where there is none."""
    serial = message.serial or 0
    return serial if 0 <= serial <= 0xFFFFFFFF else 0


def observation_of(message: SweepResult, suffix: str, code: int, address: str) -> Observation:
    """The observation of one name in a sweep, as a single query would have returned it."""
    server = message.server or suffix
    width = message.width or None
    if code == OPEN:
        trouble = message.trouble if message.trouble is not None and message.trouble.method == "dns" else None
        return trouble or Observation("dns", TIMED_OUT, server=server, width=width)
    reading = sweep_reading_of(code, serial_of(message) if code == NXDOMAIN else 0, message.fresh_at)
    return Observation("dns", reading, server=server, address=address, width=width)
