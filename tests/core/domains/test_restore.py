"""A start: the domain table is filled from the store, without times of the future."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from common.core.domains.domain_table import REGISTERED, UNKNOWN, DomainTable, Flag
from common.core.domains.last_look import BLOCK
from common.core.domains.last_look_array import RECORD
from common.core.domains.restore import cut_future, find_first_looks, load_table
from common.core.model.columns import CodedTexts, NameColumns
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Detail, Evidence
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN

NOW = 1_790_000_000.0
DAY = 86_400.0
WATCHED, DETAILED = int(Flag.WATCHED), int(Flag.DETAILED)


def answer_of(finding: str, outcome: Outcome, at: float) -> Evidence:
    """An answer at this time, the same since ten seconds before."""
    method = finding.partition("_")[0]
    return Evidence(Observation(method, Reading(outcome, finding, "so it says")), at, at - 10)


def columns_of(ids: Sequence[int], **columns: Any) -> NameColumns:
    """A batch of watched names of com, nK.com for id K, that were never checked, with these columns in place of others."""
    count = len(ids)
    nothing = np.full(count, np.nan)
    zeros = np.zeros(count, np.int64)
    values = {
        "ids": np.array(ids, np.int64),
        "names": [f"n{name_id}.com" for name_id in ids],
        "suffixes": CodedTexts(["com"], zeros),
        "flags": np.full(count, WATCHED),
        "states": CodedTexts(["UNKNOWN"], zeros),
        "since": nothing,
        "confidence": np.zeros(count),
        "generation": zeros,
        "checked_at": nothing,
        "next_check": np.full(count, NOW + 60),
        "drop_earliest": nothing,
        "drop_latest": nothing,
        "registry_due": np.zeros(count),
    }
    return NameColumns(**{**values, **columns})


def block_of(**fields: float) -> bytes:
    """A block in which every record has these fields."""
    records = np.zeros(BLOCK, RECORD)
    for name, value in fields.items():
        records[name] = value
    return records.tobytes()


def loaded(
    batches: Iterable[NameColumns],
    looks: Iterable[tuple[int, bytes]] = (),
    addresses: dict[int, str] | None = None,
    size: int = 0,
) -> DomainTable:
    """The table that a start makes."""
    table = DomainTable()
    load_table(table, batches, looks, addresses or {}, size)
    return table


# -- the table -------------------------------------------------------------------------------------------------------------


def test_names_keep_their_ids_and_those_of_deleted_names_stay_unused() -> None:
    """Within a batch, between batches, and after the last name."""
    table = loaded([columns_of([1, 2, 5]), columns_of([9])], size=12)

    assert [table.name_of(name_id) for name_id in range(12)] == [
        "", "n1.com", "n2.com", "", "", "n5.com", "", "", "", "n9.com", "", "",
    ]  # fmt: skip
    assert (table.find_id("n9.com"), table.watched_count, len(table)) == (9, 4, 12)
    assert table.add_names(["new.com"], ["com"]).tolist() == [12]


def test_flags_of_stages_are_not_restored() -> None:
    """Every watched name is idle after a start; one that is not watched is not scheduled."""
    flags = np.array([WATCHED | int(Flag.QUEUED | Flag.ADMITTED | Flag.LOADED), WATCHED | int(Flag.PRIORITY), DETAILED])
    table = loaded([columns_of([0, 1, 2], flags=flags)])

    assert table.flags[:3].tolist() == [WATCHED, WATCHED | Flag.PRIORITY, DETAILED]
    assert (table.watched_count, table.count_priority()) == (2, 1)
    assert table.schedule.ordinary.take_due(NOW + 60, 9)[0].tolist() == [0]
    assert table.schedule.priority.take_due(NOW + 60, 9)[0].tolist() == [1]


def test_a_state_of_another_version_is_unknown() -> None:
    """Its next check decides anew."""
    table = loaded([columns_of([0, 1], states=CodedTexts(["REGISTERED", "LIMBO"], np.array([0, 1])))])

    assert table.state[:2].tolist() == [REGISTERED, UNKNOWN]


def test_last_looks_are_applied_where_they_are_younger_than_the_row() -> None:
    """With their due times, and the texts of their addresses."""
    checked = np.array([np.nan, NOW - 10, NOW - 90])
    block = block_of(checked_at=NOW - 50, next_check=NOW + 5, dns_at=NOW - 50, code=NXDOMAIN, address=2)
    table = loaded([columns_of([0, 1, 2], checked_at=checked)], [(0, block)], {2: "192.0.2.1:53/udp"})

    assert table.code[:3].tolist() == [NXDOMAIN, 0, NXDOMAIN]
    assert [table.schedule.due_at(name_id) - NOW for name_id in range(3)] == [5, 60, 5]
    assert table.addresses[int(table.address[0])] == "192.0.2.1:53/udp"
    assert (table.address_number("192.0.2.1:53/udp"), table.new_addresses) == (2, [])


def test_many_blocks_are_applied_as_single_ones() -> None:
    """Whole ones that follow each other are joined; a gap, and a damaged one between them, are not."""
    count = 70 * BLOCK
    looks = [(block, block_of(checked_at=NOW + block, code=DELEGATED)) for block in range(70) if block != 7]
    looks[3] = (3, looks[3][1][:100])
    table = loaded([columns_of(range(count))], looks, size=count)
    seen = np.flatnonzero(table.checked_at[:count] > 0) // BLOCK

    assert np.unique(seen).tolist() == [block for block in range(70) if block != 7]
    assert {int(block): int((seen == block).sum()) for block in (2, 3, 4)} == {2: BLOCK, 3: 100 // RECORD.itemsize, 4: BLOCK}
    assert table.checked_at[69 * BLOCK] == NOW + 69


# -- what a crash and a wrong clock left -----------------------------------------------------------------------------------


def test_a_first_look_whose_state_was_not_stored_is_taken_over() -> None:
    """Only of names in state UNKNOWN without a detail, which the zone delegates."""
    flags = np.array([WATCHED, WATCHED | DETAILED, WATCHED, WATCHED])
    states = CodedTexts(["UNKNOWN", "REDEMPTION"], np.array([0, 0, 1, 0]))
    looks = [(0, block_of(checked_at=NOW - 50, dns_at=NOW - 50, dns_first=NOW - 70, code=DELEGATED))]
    table = loaded([columns_of([0, 1, 2, 3], flags=flags, states=states)], looks)
    table.code[3] = NXDOMAIN

    assert find_first_looks(table, NOW).tolist() == [0]
    assert (table.state[:4] == REGISTERED).tolist() == [True, False, False, False]
    assert table.since[0] == NOW - 70


def test_times_of_the_future_in_the_table_are_those_of_the_start() -> None:
    """They would count as fresh for as long as the clock was ahead."""
    table = loaded([columns_of([0, 1], since=np.array([NOW + DAY, NOW - 5]), checked_at=np.array([NOW + DAY, NOW - 5]))])
    find_first_looks(table, NOW)

    assert (table.since[:2].tolist(), table.checked_at[:2].tolist()) == ([NOW, NOW - 5],) * 2


def test_a_denial_of_the_future_is_dropped_and_a_registration_seen_then_counts_from_the_start() -> None:
    """Nothing of the future makes an alarm more likely, and nothing of it stays fresh for longer."""
    detail = Detail(
        evidence={
            "rdap": answer_of("rdap_404_json", Outcome.UNREGISTERED, NOW + DAY),
            "whois": answer_of("whois_reserved", Outcome.RESERVED, NOW + DAY),
            "dns": answer_of("dns_auth_referral", Outcome.REGISTERED, NOW - 5),
        },
        passes=(NOW - 40, NOW + DAY),
        contradicted_at=NOW + DAY,
        registry_at=NOW - 40,
    )
    made = cut_future(detail, NOW, NOW + 60)

    assert {method: (item.at, item.first_at) for method, item in made.evidence.items()} == {
        "whois": (NOW, NOW),
        "dns": (NOW - 5, NOW - 15),
    }
    assert (made.passes, made.contradicted_at, made.registry_at) == ((NOW - 40,), NOW, NOW - 40)
    assert cut_future(made, NOW, NOW + 60) is made
