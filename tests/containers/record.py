"""What the receiver's record has to show: every drop told, no name told twice under two ids, each id with one body."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.lab.customer import Received


def find_faults(received: Iterable[Received], dropped: Iterable[str]) -> Iterator[str]:
    """One sentence for each thing that is wrong."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    ids: dict[str, set[str]] = defaultdict(set)
    for item in received:
        bodies[item.id].add(item.body)
        if not item.valid:
            yield f"a callback with a bad token or signature: {item.signature_problem}"
        elif item.is_notice and item.data.get("status") == "available":
            ids[str(item.data["domain"])].add(item.id)
    for key, found in bodies.items():
        if len(found) > 1:
            yield f"{key}: {len(found)} bodies under one id"
    for name in dropped:
        if len(ids[name]) != 1:
            yield f"{name}: told under {len(ids[name])} ids"
    for name in ids.keys() - set(dropped):
        yield f"{name}: told, but it did not drop"
