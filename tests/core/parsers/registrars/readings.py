"""What the tests of all vendors' parsers need: one answer in, what it says about names out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from common.core.model.evidence import Offer
from common.core.parsers.registrar import PARSERS
from common.core.parsers.registrars.findings import Answer, Parsed

A, B = "a.com", "b.com"
#: What a member can hold instead of what is documented.
JUNK: tuple[Any, ...] = (None, 5, -1.5, "", "junk", [], [[]], {}, {"a": 1}, "9" * 39)


def parse(vendor: str, value: Any, names: Sequence[str] = (A,), status: int = 200) -> Parsed:
    """What a vendor's answer in JSON says."""
    return PARSERS[vendor](status, json.dumps(value).encode(), names)


def answer(vendor: str, value: Any, name: str = A) -> Answer:
    """What an answer says about one name that was asked for."""
    return parse(vendor, value, (name,)).answers[name]


def offer(
    price: str | None = None, currency: str = "USD", *, premium: bool | None = False, renewal: str | None = None
) -> Offer:
    """An offer for a year."""
    first, further = (None if text is None else Decimal(text) for text in (price, renewal))
    return Offer(premium=premium, price=first, currency=currency, renewal=further)
