"""One name in full: the decision it rests on, the newest look, and why the methods that say nothing do so."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.control.domain_report import read_report
from common import codec
from common.config import load
from common.core.domains.last_look import LastLook
from common.core.model.evidence import Observation, Phase, unknown_reading
from common.core.model.records import Changes, Detail, DomainRow, EventRow, Evidence, LedgerRow
from common.core.parsers.dns_fast import DELEGATED
from common.store.reader import SqliteReader
from tests.actors.control_lab import NOW, Lab, domain_row, event_row, serving
from tests.sim.truth import Name
from tests.sim.world import World
from tests.store.builders import open_next

OPEN = "not found at the registry; still open: no second independent source agrees"


def shown(tmp_path: Path, lab_of: Any, name: str = "example.com") -> dict[str, Any]:
    """What GET /domain/NAME answers."""

    async def story() -> dict[str, Any]:
        lab = Lab(tmp_path)
        lab_of(lab)
        async with serving(lab):
            status, found = await lab.get(f"/domain/{name}")
            assert status == 200
            return found

    return asyncio.run(story())


def silent(method: str, finding: str, reason: str, at: float = NOW - 19, wait: float | None = None) -> Evidence:
    """An answer that proves nothing."""
    return Evidence(
        Observation(method, unknown_reading(finding, reason, retry_after=wait), server=f"{method}.test"), at, at - 100
    )


def unknown_row(**troubles: Evidence) -> DomainRow:
    """A name that was looked at 19 s ago and of which nothing is known."""
    detail = Detail(trouble=troubles, reason="nothing observed so far proves a state")
    return domain_row(
        state="UNKNOWN", since=None, confidence=0.0, checked_at=NOW - 19, drop_likely=None, drop_earliest=None,
        detail=codec.encode(detail),
    )  # fmt: skip


def test_an_unknown_name_says_of_each_method_why_it_says_nothing(tmp_path: Path) -> None:
    """What was asked, which server, when, why it said nothing, and until when it rests; and all of it in one sentence."""
    row = unknown_row(
        dns=silent("dns", "dns_timeout", "no answer from 4 servers within 5 s"),
        rdap=silent("rdap", "not_asked", "rdap/rdap.test limits us, for another 80 s", wait=80.0),
    )
    found = shown(tmp_path, lambda lab: lab.reader.rows.append(row))

    assert found["evidence"] == {}
    assert found["troubles"]["dns"] == {
        "time": NOW - 19,
        "first_time": NOW - 119,
        "kind": "timeout",
        "server": "dns.test",
        "address": "",
        "status": None,
        "finding": "dns_timeout",
        "reason": "no answer from 4 servers within 5 s",
        "duration_ms": 0.0,
        "until": None,
    }
    assert (found["troubles"]["rdap"]["kind"], found["troubles"]["rdap"]["until"]) == ("not_asked", NOW + 61)
    assert found["reason"] == (
        "no answer from any channel: DNS: no answer from 4 servers within 5 s; RDAP: rdap/rdap.test limits us, for another 80 s"
    )
    assert found["decision"] is None


def test_a_sweep_without_an_answer_is_a_trouble_too(tmp_path: Path) -> None:
    """A name that was asked about together with others has been asked about."""
    row = unknown_row()

    def arrange(lab: Lab) -> None:
        lab.reader.rows = [row]
        lab.reader.looks = {"example.com": LastLook(NOW - 19, NOW + 60, 0.0, 0.0, 0, 0, "")}
        lab.reader.timed_out = {"example.com"}

    found = shown(tmp_path, arrange)

    assert (found["troubles"]["dns"]["time"], found["troubles"]["dns"]["kind"]) == (NOW - 19, "timeout")
    assert found["reason"].startswith("no answer from any channel: DNS: no answer in time")


def test_a_name_that_was_never_looked_at_says_so(tmp_path: Path) -> None:
    """Only there nothing has been asked."""
    row = domain_row(state="UNKNOWN", since=None, checked_at=None, detail=b"")
    found = shown(tmp_path, lambda lab: lab.reader.rows.append(row))

    assert (found["reason"], found["troubles"]) == ("nothing has been asked yet", {})


def test_a_name_that_left_the_list_has_no_next_check(tmp_path: Path) -> None:
    """Nothing will be asked about it any more, whatever was planned, in a row or by a sweep."""

    def arrange(lab: Lab) -> None:
        lab.reader.rows = [domain_row(watched=False)]
        lab.reader.looks = {"example.com": LastLook(NOW - 5, NOW + 3595, NOW - 5, NOW - 5, 0, DELEGATED, "192.0.2.53:53/udp")}

    found = shown(tmp_path, arrange)

    assert (found["watched"], found["next_check"]) == (False, None)


def announced() -> tuple[DomainRow, LedgerRow, LedgerRow, EventRow]:
    """A dropped name of the simulation, its row as an older version wrote it: entry of the decision, a later one, the event."""
    world = World(interval=600.0, priority=10.0)
    begin = world.now
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (begin + 60, None)])
    world.watch("gone.com", priority=True)
    world.run(400)
    made = next(row for row in world.stored.ledger if row.state == "AVAILABLE")
    told = next(event for event in world.stored.events if event.kind == "available")
    later = LedgerRow("gone.com", made.at + 60, "pass", "AVAILABLE", positive=True, rules="r", body=b"")
    row = next(each for each in world.stored.rows.values() if each.name == "gone.com")
    detail = codec.convert(codec.decode_map(row.detail), Detail)
    detail.look, detail.reason, detail.evidence = "", OPEN, {"dns": detail.evidence["dns"]}
    row = msgspec.structs.replace(row, detail=codec.encode(detail), confidence=0.81, checked_at=made.at + 120)
    return row, made, later, told


@pytest.mark.parametrize("kept", ["ledger", "event"])
def test_an_announced_name_shows_the_decision_first_and_the_newest_look_beside_it(kept: str, tmp_path: Path) -> None:
    """Time, confidence, basis, reason and evidence of that moment, from the ledger, or from the event where that is gone."""
    row, made, later, told = announced()

    def arrange(lab: Lab) -> None:
        lab.reader.rows = [row]
        lab.reader.judgements = [made, later] if kept == "ledger" else []
        lab.reader.log = [told]

    found = shown(tmp_path, arrange, "gone.com")
    decision = found["decision"]

    assert found["reason"] == "not registered, confirmed in separate passes by independent sources"
    assert decision["reason"] == found["reason"]
    assert (decision["time"], decision["state"], decision["event"]) == (row.since, "AVAILABLE", "available")
    assert decision["confidence"] >= 0.95
    assert decision["p_unregistered"] >= 0.995
    assert decision["basis"] == "sources"
    assert {"rdap", "whois", "dns"} <= decision["evidence"].keys()
    assert {item["outcome"] for item in decision["evidence"].values()} == {"unregistered"}
    assert decision["evidence"]["rdap"]["server"] == "rdap.com.test"
    assert found["latest"] == {"time": row.checked_at, "confidence": 0.81, "reason": OPEN, "gates": found["gates"]}


def test_what_is_left_of_a_decision_is_shown_without_the_rest(tmp_path: Path) -> None:
    """An entry that cannot be read, or belongs to another state, is none."""

    def arrange(lab: Lab) -> None:
        lab.reader.rows = [domain_row(state="AVAILABLE")]
        lab.reader.judgements = [
            LedgerRow("example.com", NOW - 3600, "decision", "AVAILABLE", positive=True, rules="r", body=b"\x01\xff")
        ]

    found = shown(tmp_path, arrange)

    assert found["decision"] is None
    assert found["reason"] == "The registry says pending delete."


def test_a_state_that_is_older_than_the_last_entry_keeps_its_own_decision(tmp_path: Path) -> None:
    """The event at the moment the state began counts, not the newest one."""

    def arrange(lab: Lab) -> None:
        lab.reader.rows = [domain_row(since=NOW + 1)]
        lab.reader.log = [event_row(1), event_row(2, kind="redemption")]

    found = shown(tmp_path, arrange)

    assert (found["decision"]["event"], found["decision"]["time"]) == ("pending_delete", NOW + 1)


def test_a_commit_between_the_parts_of_an_answer_changes_none_of_them(tmp_path: Path) -> None:
    """The row, its events and its ledger entries are of one moment, also while the coordinator writes the next one."""
    settings = load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "here"})
    old, new = domain_row(state="REGISTERED", since=NOW - 100), domain_row(state="AVAILABLE", since=NOW)
    before = LedgerRow("example.com", NOW - 100, "decision", "REGISTERED", positive=False, rules="1", body=b"")
    after = LedgerRow("example.com", NOW, "decision", "AVAILABLE", positive=True, rules="1", body=b"")
    written: list[str] = []
    with closing(open_next(settings)) as writer:
        writer.apply(Changes(domains=[old], events=[event_row(1)], ledger=[before]))
        with closing(SqliteReader(settings.store_path)) as reader:

            def commit_before_the_second_part(statement: str) -> None:
                if "FROM event" in statement and not written:
                    written.append(statement)
                    writer.apply(Changes(domains=[new], events=[event_row(2, kind="available")], ledger=[after]))

            assert reader._connection is not None
            reader._connection.set_trace_callback(commit_before_the_second_part)
            during, then = read_report(reader, "example.com"), read_report(reader, "example.com")

    assert written
    assert during is not None
    assert then is not None
    assert (during["state"], [event["seq"] for event in during["history"]], during["judged"]["state"]) == (
        "REGISTERED", [1], "REGISTERED",
    )  # fmt: skip
    assert (then["state"], [event["seq"] for event in then["history"]], then["judged"]["state"]) == (
        "AVAILABLE", [2, 1], "AVAILABLE",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("detail", "caught"),
    [
        (Detail(), None),
        (
            Detail(dropped_at=NOW - 90),
            {"dropped_at": NOW - 90, "seen_at": None, "registrar": None, "seconds_after_drop": None},
        ),
        (
            Detail(dropped_at=NOW - 90, caught_at=NOW - 60),
            {"dropped_at": NOW - 90, "seen_at": NOW - 60, "registrar": None, "seconds_after_drop": 30.0},
        ),
    ],
)
def test_what_became_of_a_dropped_name_is_shown(tmp_path: Path, detail: Detail, caught: dict[str, Any] | None) -> None:
    """When it dropped, and when it was seen registered again; nothing of a name that never dropped."""
    found = shown(tmp_path, lambda lab: lab.reader.rows.append(domain_row(detail=codec.encode(detail))))

    assert found["caught"] == caught
