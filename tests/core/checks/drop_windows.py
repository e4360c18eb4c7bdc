"""Names inside drop windows, at operators of a set rate and quota."""

from __future__ import annotations

from common.core.domains.domain_table import STATE_CODES, Flag
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Phase
from common.core.model.ids import Ids
from common.core.model.limit import Limit
from common.core.model.records import Detail
from common.core.model.states import State
from tests.core.checks.checks_room import NOW, PLENTY, ChecksRoom

DAY, HOUR = 86_400.0, 3600.0
WIDE, NARROW = (NOW - 10 * DAY, NOW + 20 * DAY), (NOW - HOUR, NOW + 12 * HOUR)


def slow_room(**limits: tuple[float, int | None]) -> ChecksRoom:
    """A room in which these operators ("rdap_com") have that rate and day's quota."""
    rows = {}
    for operator, (rate, per_day) in limits.items():
        kind, suffix = operator.split("_")
        rows[f"{kind}/{suffix}" if kind == "dns" else f"{kind}/{kind}.{suffix}.test"] = Limit("x", rate, 2, per_day)
    return ChecksRoom(limits={**PLENTY, **rows})


def add_windows(
    room: ChecksRoom,
    suffix: str,
    count: int,
    window: tuple[float, float],
    *,
    registry: bool = True,
    state: State = State.PENDING_DELETE,
) -> Ids:
    """Watch so many more names of a suffix whose windows these are, out of the zone and in that state (`registry`) or in it."""
    table = room.domains.table
    ids = table.add_names([f"w{len(table) + number}.{suffix}" for number in range(count)], [suffix] * count)
    table.flags[ids] = Flag.WATCHED | (Flag.SINGLE if registry else 0)
    table.state[ids] = STATE_CODES[state if registry else State.REGISTERED]
    table.earliest[ids], table.latest[ids] = window
    return ids


def load_dying(
    room: ChecksRoom, name_id: int, window: tuple[float, float], *, p: float = 0.9, phase: Phase = Phase.PENDING_DELETE
) -> Entry:
    """The entry of such a name, with a forecast of this probability."""
    entry = room.domains.working_set.load_entry(int(name_id), Detail())
    entry.state, entry.detail.phase = State(phase.value.upper()), phase.value
    entry.drop = DropWindow(window[0], sum(window) / 2, window[1], p)
    return entry
