"""What the receiver's record is judged by."""

from __future__ import annotations

from typing import Any

from tests.containers.record import find_faults
from tests.lab.customer import Received


def callback(key: str, domain: str, body: bytes = b"1", **changes: Any) -> Received:
    """An accepted notice."""
    data = {"domain": domain, "status": "available", **changes}
    return Received(1.0, {"webhook-id": key}, body, data, bearer_ok=True, signature_problem=None, status=204)


def test_a_record_without_faults() -> None:
    """Every drop under one id; the same notice again, and what else came, does no harm."""
    record = [callback("1", "a.com"), callback("1", "a.com"), callback("2", "a.com", status="registered")]

    assert list(find_faults(record, ["a.com"])) == []


def test_each_fault_is_found() -> None:
    """A drop that was not told, one told under two ids, an id with two bodies, a name that did not drop."""
    record = [callback("1", "a.com"), callback("2", "a.com"), callback("3", "b.com"), callback("3", "b.com", b"2")]

    assert list(find_faults(record, ["a.com", "c.com"])) == [
        "3: 2 bodies under one id",
        "a.com: told under 2 ids",
        "c.com: told under 0 ids",
        "b.com: told, but it did not drop",
    ]
