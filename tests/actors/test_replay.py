"""`domain-monitor replay` and `calibration`: what was decided, from what, and whether it comes out the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from actors.cli import calibration_report, replay
from common.clock import iso
from common.codec import convert, decode_map, encode
from common.config import Settings, load
from common.core.audit.ledger import LedgerEntry
from common.core.model.evidence import Phase, Reading
from common.core.model.records import Changes, LedgerRow
from common.core.verdict.rules_version import rules_version
from tests.sim.truth import Name
from tests.sim.world import World
from tests.store.builders import open_next

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def drop() -> list[LedgerRow]:
    """The ledger of a name that was purged and caught, and of one that lives on."""
    world = World(interval=60.0, priority=2.0)
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None), (world.now + 60, Phase.ACTIVE)])
    world.watch("gone.com", "healthy.org", priority=True)
    world.run(120)
    return world.stored.ledger


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Where the store is."""
    return load({"STATE_DIR": str(tmp_path)})


@pytest.fixture
def stored(settings: Settings, drop: list[LedgerRow]) -> Settings:
    """A stopped stack with that ledger."""
    store(settings, drop)
    return settings


def store(settings: Settings, rows: list[LedgerRow]) -> None:
    """Write rows as the coordinator does."""
    writer = open_next(settings)
    writer.apply(Changes(ledger=rows))
    writer.close()


def edited(row: LedgerRow, edit: Callable[[LedgerEntry], LedgerEntry]) -> LedgerRow:
    """A row with an altered entry."""
    entry = convert(decode_map(row.body), LedgerEntry)
    return msgspec.structs.replace(row, body=encode(edit(entry)))


def test_a_drop_is_replayed_step_by_step(stored: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Oldest first, each with its verdict and evidence, each the same again; the store is only read."""
    before = stored.store_path.read_bytes()
    status = replay.run("GONE.com.", None, False, stored)
    out = capsys.readouterr().out

    assert status == replay.SAME
    steps = ["UNKNOWN -> PENDING_DELETE", "pass: PENDING_DELETE as before", "PENDING_DELETE -> AVAILABLE, told as 'available'"]
    found = [out.index(step) for step in [*steps, "AVAILABLE -> REGISTERED, told as 'registered'"]]
    assert found == sorted(found)
    assert out.count(": same verdict") == 5
    assert "rdap: asked rdap.com.test: unregistered (rdap_404_json) - not found" in out
    assert "canaries of whois (whois.com.test): known name found 2026-" in out
    assert out.endswith("gone.com: 5 judged again, every verdict came out the same\n")
    assert stored.store_path.read_bytes() == before


def test_a_look_back_stops_at_its_time(stored: Settings, drop: list[LedgerRow], capsys: pytest.CaptureFixture[str]) -> None:
    """Epoch seconds and ISO 8601 say the same; before the first decision there is nothing."""
    alarm = next(row for row in drop if row.state == "AVAILABLE")
    after = datetime.fromtimestamp(alarm.at + 0.001, UTC)
    for at in (str(alarm.at), iso(alarm.at), after.isoformat(), after.replace(tzinfo=None).isoformat(" ")):
        replay.run("gone.com", at, True, stored)
        states = [json.loads(line)["verdict"]["state"] for line in capsys.readouterr().out.splitlines()]

        assert states == ["PENDING_DELETE"] * 3 + ["AVAILABLE"]
    assert replay.run("gone.com", "2020-01-01", False, stored) == replay.NOTHING
    assert "nothing in the ledger for gone.com up to 2020-01-01T00:00:00" in capsys.readouterr().err


def test_json_has_everything(stored: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, with the evidence, the situation, and the verdict made again."""
    assert replay.run("gone.com", None, True, stored) == replay.SAME
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    alarm = rows[3]
    assert alarm["told"] == "available"
    assert alarm["again"]["same"] is True
    assert alarm["again"]["verdict"] == alarm["verdict"]
    assert alarm["rules"] == alarm["again"]["rules"] == rules_version()
    assert set(alarm["evidence"]) == {"dns", "rdap", "whois"}
    assert alarm["evidence"]["rdap"]["observation"]["server"] == "rdap.com.test"
    assert alarm["canaries"]["rdap"]["registered_ok"] >= alarm["evidence"]["rdap"]["at"]
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)


def test_tampered_evidence_is_a_difference(
    settings: Settings, drop: list[LedgerRow], capsys: pytest.CaptureFixture[str]
) -> None:
    """What was and what would be decided are both said, and the status is 1."""

    def forget(entry: LedgerEntry) -> LedgerEntry:
        rdap = entry.evidence["rdap"]
        reading: Reading = msgspec.structs.replace(rdap.observation.reading, finding="rdap_404_blocked")
        observation = msgspec.structs.replace(rdap.observation, reading=reading)
        return msgspec.structs.replace(
            entry, evidence={**entry.evidence, "rdap": msgspec.structs.replace(rdap, observation=observation, at=rdap.at - 400)}
        )

    store(settings, [edited(row, forget) if row.state == "AVAILABLE" else row for row in drop])
    assert replay.run("gone.com", None, False, settings) == replay.DIFFERENT
    out = capsys.readouterr().out
    assert "DIFFERENT" in out
    assert "state was AVAILABLE, is PENDING_DELETE" in out
    assert out.endswith("gone.com: 5 judged again, 1 came out different\n")

    assert replay.run("gone.com", None, True, settings) == replay.DIFFERENT
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["again"]["same"] for row in rows] == [True, True, True, False, True]
    assert replay.run("healthy.org", None, False, settings) == replay.SAME


def test_other_rules_are_named(settings: Settings, drop: list[LedgerRow], capsys: pytest.CaptureFixture[str]) -> None:
    """An entry of an older version is judged by today's rules, and the reader is told."""

    def older(entry: LedgerEntry) -> LedgerEntry:
        return msgspec.structs.replace(entry, rules="0-cafe")

    rows = [msgspec.structs.replace(edited(row, older), rules="0-cafe") for row in drop]
    store(settings, rows)

    assert replay.run("gone.com", None, False, settings) == replay.SAME
    assert capsys.readouterr().out.count(f"by today's rules {rules_version()}, not 0-cafe: same verdict") == 5


@pytest.mark.parametrize("body", [b"", b"\xff\xff", b"\x80", encode({"domain": "gone.com"}), encode([1, 2])])
def test_an_unreadable_entry_is_a_difference(settings: Settings, body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest of the name is still shown."""
    store(settings, [LedgerRow("gone.com", 1.0, "decision", "AVAILABLE", True, "1-0", body)])

    for as_json in (False, True):
        assert replay.run("gone.com", None, as_json, settings) == replay.DIFFERENT
        assert "cannot be read" in capsys.readouterr().out


def test_an_entry_under_another_name_is_a_difference(
    settings: Settings, drop: list[LedgerRow], capsys: pytest.CaptureFixture[str]
) -> None:
    """A decision cannot be passed off as that of another name."""
    store(settings, [msgspec.structs.replace(row, domain="other.com") for row in drop])

    assert replay.run("other.com", None, False, settings) == replay.DIFFERENT
    assert "not the one that was filed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "at"),
    [("a b.com", None), ("", None), ("com", None), ("gone.com", "yesterday"), ("gone.com", "nan"), ("gone.com", "-5")],
)
def test_bad_usage_is_explained(stored: Settings, name: str, at: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and a sentence, nothing on standard output."""
    assert replay.run(name, at, False, stored) == replay.BAD_USAGE
    said = capsys.readouterr()
    assert said.err.startswith("domain-monitor: ")
    assert said.out == ""


def test_a_name_without_entries_and_a_missing_store_are_told_apart(
    stored: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """3: we never decided anything; 2: there is nothing to read at all."""
    assert replay.run("never.com", None, False, stored) == replay.NOTHING
    empty = load({"STATE_DIR": str(tmp_path / "empty")})
    assert replay.run("gone.com", None, False, empty) == replay.BAD_USAGE
    assert calibration_report.run(90.0, False, empty) == calibration_report.NO_STORE
    assert "is not there yet" in capsys.readouterr().err
    assert not (tmp_path / "empty").exists()


def test_the_state_of_a_killed_or_running_coordinator_is_read(
    settings: Settings, drop: list[LedgerRow], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file and its log as they lie there while the writer is open, and a copy of both as a crash leaves them."""
    writer = open_next(settings)
    writer.apply(Changes(ledger=drop))
    assert replay.run("gone.com", None, False, settings) == replay.SAME
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for file in settings.store_path.parent.glob("domain-monitor.db*"):
        shutil.copy(file, crashed)
    writer.close()

    assert replay.run("gone.com", None, False, load({"STATE_DIR": str(crashed)})) == replay.SAME
    capsys.readouterr()


def test_hostile_text_cannot_steer_the_terminal(
    settings: Settings, drop: list[LedgerRow], capsys: pytest.CaptureFixture[str]
) -> None:
    """Escape sequences in the copy of an answer are shown, not obeyed; a long copy is cut for people."""

    def poisoned(entry: LedgerEntry) -> LedgerEntry:
        item = next(iter(entry.evidence.values()))
        text = "\x1b[2Jline\n" + "y" * 1000 + "\nmore" * 20
        observation = msgspec.structs.replace(item.observation, excerpt=text)
        item = msgspec.structs.replace(item, observation=observation)
        return msgspec.structs.replace(entry, evidence={**entry.evidence, observation.method: item})

    store(settings, [edited(row, poisoned) for row in drop])
    assert replay.run("gone.com", None, False, settings) == replay.SAME
    out = capsys.readouterr().out

    assert "\x1b" not in out
    assert "| \\x1b[2Jline" in out
    assert "more lines (--json)" in out
    assert max(map(len, out.splitlines())) < 300


def test_calibration_settles_what_the_ledger_says(
    stored: Settings, drop: list[LedgerRow], capsys: pytest.CaptureFixture[str]
) -> None:
    """The drop of the fixture was caught: its claims are confirmed."""
    report, unreadable = calibration_report.measure_calibration(stored, drop[0].at - 1, drop[-1].at + 1)

    assert unreadable == 0
    assert (report.names, report.claims, report.report()["contradicted"]) == (1, 3, 0)
    assert calibration_report.run(3650.0, True, stored) in (calibration_report.DONE, calibration_report.NOTHING)
    json.loads(capsys.readouterr().out)
    shown = "\n".join(calibration_report.render_lines({"days": 90.0, **report.report()}))
    assert "3 claims about 1 names in 90 days: 3 confirmed, 0 contradicted" in shown
    assert "rdap        com" in shown


def test_calibration_without_anything_settled_says_so(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty ledger, and one that cannot be read, give no figures."""
    store(settings, [LedgerRow("gone.com", 2_000_000_000.0, "pass", "REGISTERED", True, "1-0", b"\xff")])
    report, unreadable = calibration_report.measure_calibration(settings, 0.0, 2_000_000_001.0)

    assert (report.claims, unreadable) == (0, 1)
    assert calibration_report.run(1.0, False, settings) == calibration_report.NOTHING
    assert "nothing is settled yet" in capsys.readouterr().out


def test_the_command_line_knows_both(stored: Settings) -> None:
    """As an operator types it, in a process of its own."""
    command = [sys.executable, "-m", "actors.cli.main"]
    environment = {"STATE_DIR": str(stored.state_dir), "PATH": "/usr/bin:/bin"}

    def status(*arguments: str) -> int:
        done = subprocess.run([*command, *arguments], cwd=ROOT, env=environment, capture_output=True, check=False)
        return done.returncode

    assert status("replay", "gone.com", "--json") == 0
    assert status("replay", "gone.com", "--at", "never") == 2
    assert status("calibration", "--since", "0") == 2
    assert status("calibration", "--since", "3650") in (0, 3)


def test_an_older_schema_is_bad_usage_with_a_remedy(stored: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Reading never migrates."""
    raw = sqlite3.connect(stored.store_path)
    with raw:
        raw.execute("UPDATE meta SET value = '1' WHERE key = 'store.schema'")
    raw.close()

    assert replay.run("gone.com", None, False, stored) == replay.BAD_USAGE
    assert "the coordinator brings it up to date" in capsys.readouterr().err
