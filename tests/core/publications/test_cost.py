"""A zone of a million watched names: one transfer instead of a million queries, applied in seconds of one core."""

from __future__ import annotations

import numpy as np

from common.core.domains.domain_table import REGISTERED
from common.core.model.publication import MOST_LISTED, ListedName
from common.core.parsers.dns_fast import DELEGATED
from common.messages import PublicationPart
from tests.core.checks.checks_room import NOW
from tests.core.publications.publications_room import PublicationsRoom

#: Names of the test; of a million the parts took 1.1 s of one slow core, applying them 0.25 s.
FEW = 20_000


def apply_zone(count: int) -> tuple[PublicationsRoom, int]:
    """A room in which a zone with so many watched names was applied, and how many queries that took."""
    room = PublicationsRoom()
    names = [f"name{number}.se" for number in range(count)]
    ids = room.watch(*names, at=NOW + 60)
    room.domains.table.state[ids], room.domains.table.registry_due[ids] = REGISTERED, NOW + 1e6
    room.domains.count_state("UNKNOWN", "REGISTERED", count)
    for number, start in enumerate(range(0, count, MOST_LISTED)):
        listed = tuple(map(ListedName, names[start : start + MOST_LISTED]))
        room.joins.take_part(
            PublicationPart("se-zone", NOW - 600, NOW, number, start + MOST_LISTED >= count, count, listed), NOW
        )
    room.joins.release_waiting(NOW)
    return room, len(room.asked())


def test_a_zone_answers_for_all_of_its_names_at_no_query() -> None:
    """None of them is loaded, admitted or due before the zone is read again."""
    room, queries = apply_zone(FEW)
    ids = np.arange(FEW)

    assert queries == 0
    assert len(room.domains.working_set) == 0
    assert (room.domains.table.code[ids] == DELEGATED).all()
    assert (room.domains.table.schedule.times_of(ids) > NOW + 3600).all()
