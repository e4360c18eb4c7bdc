"""At a start: fills the domain table from the store, and corrects what a crash or a wrong clock left behind.

No stored time may lie in the future, which a clock that was ahead may have written: evidence would count as fresh for as long
as it was ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from msgspec import structs

from common.core.domains.domain_table import REGISTERED, STATE_CODES_BY_TEXT, STORED, UNKNOWN, DomainTable, Flag
from common.core.domains.last_look import BLOCK, SIZE
from common.core.model.columns import NameColumns
from common.core.model.evidence import Outcome
from common.core.model.ids import Ids
from common.core.model.records import Detail
from common.core.parsers.dns_fast import DELEGATED

#: Most blocks of last looks that are applied to the table together.
_RUN = 32
#: Outcomes that speak for an alarm.
_FREE = (Outcome.UNREGISTERED, Outcome.PREMIUM)
_MOMENTS = (
    "phase_since",
    "phase_after",
    "alarmed_at",
    "registered_seen",
    "contradicted_at",
    "registry_at",
    "purged_at",
    "dropped_at",
    "caught_at",
)


def load_table(
    table: DomainTable,
    batches: Iterable[NameColumns],
    looks: Iterable[tuple[int, bytes]],
    addresses: dict[int, str],
    size: int,
) -> None:
    """Fill an empty table with batches of names, then with blocks of last looks and the texts of their addresses.

    `size` is the number of ids that were ever given, those of deleted names included.
    """
    table.reserve_names(max(size, 1))
    for batch in batches:
        _load_names(table, batch)
    table.index.skip_ids(size)
    for number in range(1, max(addresses, default=0) + 1):
        text = addresses.get(number, "")
        table.addresses.append(text)
        table.address_numbers.setdefault(text, number)
    for block, data in _join_blocks(looks):
        table.apply_looks(block, data)


def find_first_looks(table: DomainTable, started: float) -> Ids:
    """Set times of the future to `started`, and the state of names whose first look was written, but not their new state.

    Returns the ids of those names, registered since their first look.
    """
    for times in (table.since, table.checked_at, table.dns_at, table.dns_first):
        np.minimum(times, started, out=times)
    count = len(table)
    seen = (table.code[:count] == DELEGATED) & (table.state[:count] == UNKNOWN)
    ids = np.flatnonzero(seen & ~table.have_flag(np.arange(count), Flag.DETAILED))
    table.state[ids], table.since[ids] = REGISTERED, table.dns_first[ids]
    return ids


def cut_future(detail: Detail, started: float, now: float) -> Detail:
    """A detail without times after `now`: evidence for an alarm is dropped, other evidence is set to `started`.

    Returns the same detail where it has no such time.
    """
    moments = {name: at for name in _MOMENTS if (at := getattr(detail, name)) is not None and at > now}
    ahead = [method for method, item in detail.evidence.items() if item.at > now]
    passes = tuple(at for at in detail.passes if at <= now)
    if not moments and not ahead and len(passes) == len(detail.passes):
        return detail
    evidence = {
        method: item if item.at <= now else structs.replace(item, at=started, first_at=min(item.first_at, started))
        for method, item in detail.evidence.items()
        if item.at <= now or item.observation.reading.outcome not in _FREE
    }
    verified = tuple(at for at in detail.verified if at <= now)
    return structs.replace(detail, evidence=evidence, passes=passes, verified=verified, **dict.fromkeys(moments, started))


def _load_names(table: DomainTable, batch: NameColumns) -> None:
    ids = batch.ids
    starts = np.flatnonzero(np.diff(ids, prepend=ids[0] - 1) != 1).tolist()
    for start, end in zip([0, *starts], [*starts, len(ids)], strict=True):
        if start < end:
            table.index.skip_ids(int(ids[start]))
            table.index.add_names(batch.names[start:end])
    table.suffix[ids] = table.suffix_numbers_of(batch.suffixes.texts)[batch.suffixes.codes]
    table.flags[ids] = batch.flags.astype(np.uint8) & np.uint8(STORED)  # stored bits are those of `Flag`
    watched = table.have_flag(ids, Flag.WATCHED)
    table.watched_count += int(np.count_nonzero(watched))
    table.state[ids] = np.array([STATE_CODES_BY_TEXT.get(state, UNKNOWN) for state in batch.states.texts], np.uint8)[
        batch.states.codes
    ]
    table.generation[ids], table.confidence[ids] = np.clip(batch.generation, 0, 0xFFFFFFFF), batch.confidence
    table.since[ids], table.checked_at[ids] = np.nan_to_num(batch.since), np.nan_to_num(batch.checked_at)
    table.earliest[ids], table.latest[ids] = batch.drop_earliest, batch.drop_latest
    table.registry_due[ids] = batch.registry_due
    table.schedule.set_times(ids[watched], batch.next_check[watched], table.have_flag(ids[watched], Flag.PRIORITY))


def _join_blocks(looks: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Join whole blocks that follow each other: to apply many at once costs as much as to apply one."""
    first, pieces = 0, list[bytes]()
    for block, data in looks:
        if len(pieces) == _RUN or (pieces and (block != first + len(pieces) or len(pieces[-1]) != BLOCK * SIZE)):
            yield first, b"".join(pieces)
            pieces.clear()
        if not pieces:
            first = block
        pieces.append(data[: BLOCK * SIZE])
    if pieces:
        yield first, b"".join(pieces)
