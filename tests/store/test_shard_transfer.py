"""A copy into another number of shards: every name with all that is known of it lies where it belongs, and goes on there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from actors.cli import main as cli
from actors.cli import migrate
from common.config import Settings, load
from common.core.domains.last_look import BLOCK
from common.core.model.records import NOTICE, Changes, DomainRow, ProblemRow, TrustRow
from common.core.registries.back_ends import group_suffixes
from common.core.shards.layout import Layout
from common.errors import ConfigError, StoreError
from common.shard_settings import settings_of_shard
from common.store.file_leases import open_leases
from common.store.lease_contract import Addresses
from common.store.reader import open_reader, open_shard_reader
from common.store.shards import find_layout, settle_layout
from common.store.store_contract import DAY, DropQuery, Reader
from common.store.transfer import Table
from tests.store.builders import block, delivery, domain, event, judgement, open_next
from tests.store.postgres_server import PostgresServer

NOW = 1000 * DAY
NAMES = 1200
SUFFIXES = ("com", "com", "com", "co.uk", "org", "ngo", "de", "uk.com", "xyz")
STATES = ("REGISTERED", "UNKNOWN", "PENDING_DELETE")
#: From how many shards to how many; 0 is an SQLite file.
WAYS = [(1, 4), (4, 2), (0, 4), (4, 0), (3, 3), (2, 1)]
MakeStore = Callable[[int], Settings]


@pytest.fixture
def make(postgres: PostgresServer, tmp_path: Path) -> MakeStore:
    """Makes the settings of an empty store with so many shards."""

    def make_store(shards: int) -> Settings:
        where = tmp_path / f"{len(list(tmp_path.iterdir()))}-{shards}"
        where.mkdir()
        url = postgres.url(postgres.new_schema()) if shards else f"sqlite:///{where}/state.db"
        return load({"STATE_DIR": str(where), "INSTANCE_ID": "here", "STORE_URL": url, "SHARDS": str(shards or 1)})

    return make_store


def name_of(number: int) -> str:
    """A name; some lie in every shard."""
    return f"n{number}.{SUFFIXES[number % len(SUFFIXES)]}"


def row_of(number: int, own: int) -> DomainRow:
    """The row of a name, with a number of its shard."""
    return domain(
        name_of(number),
        id=own,
        suffix=SUFFIXES[number % len(SUFFIXES)],
        state=STATES[number % 3],
        watched=number % 11 != 0,
        priority=number % 5 == 0,
        generation=1 + number % 4,
        since=float(number),
        drop_likely=float(number) if number % 3 == 2 else None,
        detail=b"detail %d" % number if number % 2 else b"",
    )


def fill(settings: Settings) -> None:
    """Something of everything in every shard, with numbers of names that have gaps."""
    layout = settle_layout(settings, group_suffixes())
    for shard in range(layout.shards):
        mine = [number for number in range(NAMES) if layout.shard_of(name_of(number)) == shard]
        places = {number: 3 + 2 * place for place, number in enumerate(mine)}
        looks: dict[int, dict[int, dict[str, float]]] = {}
        for number, own in places.items():
            if number % 3:
                looks.setdefault(own // BLOCK, {})[own % BLOCK] = {"checked_at": float(number), "address": number % 4}
        numbers = [number for number in mine if number % 6 == 0]
        with closing(open_next(settings_of_shard(settings, shard))) as writer:
            for begin in range(0, len(numbers), 50):
                some = numbers[begin : begin + 50]
                rows = [event(number + 1, name_of(number), at=NOW - number) for number in some]
                notices = [delivery(row.id, domain=row.domain, order=row.seq, body=row.body) for row in rows]
                results = [delivery(f"r{number}", lane="result", domain=name_of(number), state="parked") for number in some]
                ledger = [judgement(name_of(number), NOW - number, positive=number % 4 == 0) for number in some]
                writer.apply(Changes(events=rows, deliveries=[*notices, *results], ledger=ledger))
            writer.apply(
                Changes(
                    domains=[row_of(number, own) for number, own in places.items()],
                    looks=[(number, block(records)) for number, records in looks.items()],
                    addresses=[(1, "192.0.2.1:53/udp"), (2, f"192.0.2.{shard + 10}:53/udp")],
                    trust=[TrustRow("rdap", "s", "com", failed_at=float(shard)), TrustRow("gandi", "", "*", 1.0)],
                    problems=[ProblemRow("a b", "bad", "why")] if shard == 0 else None,
                    meta={"budgets": f'{{"a|x":[{shard},1]}}', "wildcards": f"w{shard}", "accuracy": '{"since":5.0}'},
                )
            )


def known(settings: Settings) -> list[object]:
    """What readers find of everything, without what has to differ."""
    with closing(open_reader(settings)) as reader:
        records = [reader.domain_record(name_of(number)) for number in range(NAMES)]
        assert all(records)
        for record in records:
            assert record is not None
            record.found.row.id = 0
        return [records, *listed(reader)]


def listed(reader: Reader) -> list[object]:
    """What pages and counts show."""
    drops = reader.drops(DropQuery(0.0, 1e12, 0.0), limit=5000).rows
    return [
        sorted(reader.count_by_state().items()),
        sorted(reader.tlds().items()),
        [found.row.name for found in reader.domains(limit=5000).rows],
        [found.row.name for found in drops],
        reader.events(limit=5000),
        reader.last_seq(),
        reader.deliveries(limit=5000).rows,
        [reader.ledger(name_of(number)) for number in range(NAMES)],
        reader.problems().rows,
        sorted(reader.trust(), key=lambda row: row.method),
        reader.meta("budgets"),
        reader.meta("wildcards"),
        reader.meta("accuracy"),
    ]


@pytest.mark.parametrize(("before", "after"), WAYS, ids=[f"{before} to {after}" for before, after in WAYS])
def test_a_copy_into_other_shards_is_the_same_and_goes_on(
    make: MakeStore, capsys: pytest.CaptureFixture[str], before: int, after: int
) -> None:
    """Whatever is asked about a name, an event, a delivery; and the numbers that are given next are new ones."""
    here, there = make(before), make(after)
    fill(here)
    was = known(here)
    newest = was[5][-1]  # type: ignore[index]
    assert migrate.run(here.store_url, there.store_url, replace(here, shards=1), after or None) == 0
    said = capsys.readouterr().out
    assert f"copied and checked: {NAMES} names" in said
    assert ("SHARDS to " in said) == (after > 1)
    assert known(there) == was
    assert known(here) == was

    layout = find_layout(there) or Layout()
    name = name_of(8)
    fresh = Changes(
        events=[event(newest.seq + 1, name, generation=99)],
        deliveries=[delivery("fresh", domain=name)],
        ledger=[judgement(name, NOW)],
    )
    entries = {entry.seq for entries in was[8] for entry in entries}  # type: ignore[attr-defined]
    with closing(open_next(settings_of_shard(there, layout.shard_of(name)))) as writer, closing(open_reader(there)) as reader:
        writer.apply(fresh)
        assert [row.seq for row in reader.events(newest.seq)] == [newest.seq + 1]
        assert reader.deliveries(limit=1).rows[0].id == "fresh"
        assert reader.ledger(name)[0].seq > max(entries)


def test_each_shard_has_its_names_alone_counted_without_gaps(make: MakeStore) -> None:
    """With the details and looks of these, and a start loads them."""
    here, there = make(1), make(4)
    fill(here)
    migrate.run(here.store_url, there.store_url, here, 4)
    layout = find_layout(there)
    assert layout is not None
    for shard in range(4):
        mine = [name_of(number) for number in range(NAMES) if layout.shard_of(name_of(number)) == shard]
        with closing(open_shard_reader(there, shard)) as reader:
            found = [(number, name) for ids, names, *_ in reader.names() for number, name in zip(ids, names, strict=True)]
        assert found == list(enumerate(mine))
        with closing(open_next(settings_of_shard(there, shard))) as writer:
            loaded = writer.load()
            assert loaded.next_id == len(mine)
            assert loaded.meta["wildcards"] == "w0"
            assert ("accuracy" in loaded.meta) == (shard == 0)
            assert {row.suffix for row in loaded.trust} == ({"com", "*"})
            assert all(row.lane != NOTICE or layout.shard_of(row.domain) == shard for row in loaded.deliveries)


def test_a_database_that_was_divided_otherwise_is_no_target(make: MakeStore) -> None:
    """Even an empty one: it keeps its division."""
    here, there = make(0), make(2)
    fill(here)
    settle_layout(there, group_suffixes())
    with pytest.raises(ConfigError, match="was made with 2 shards, not 4"):
        migrate.run(here.store_url, there.store_url, here, 4)


def test_any_shard_in_use_keeps_the_store_from_being_copied(make: MakeStore) -> None:
    """As source and as target."""
    here, there = make(2), make(2)
    fill(here)
    settle_layout(there, group_suffixes())
    for used in (here, there):
        with closing(open_leases(settings_of_shard(used, 1))) as leases:
            lease = leases.take("busy", "boot", lambda _: Addresses("", ""))
            assert lease is not None
            with pytest.raises(StoreError, match=r"in use by instance 'busy': stop it"):
                migrate.run(here.store_url, there.store_url, there, 2)
            lease.release()


def test_any_shard_that_holds_something_keeps_it_from_being_copied_to(make: MakeStore) -> None:
    """Nothing is mixed."""
    here, there = make(1), make(3)
    fill(here)
    settle_layout(there, group_suffixes())
    with closing(open_next(settings_of_shard(there, 2))) as writer:
        writer.apply(Changes(meta={"k": "v"}))
    with pytest.raises(StoreError, match="not empty"):
        migrate.run(here.store_url, there.store_url, there, 3)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE domain SET confidence = 0.5 WHERE id = 7",
        "UPDATE detail SET body = 'x' WHERE id = (SELECT min(id) FROM detail)",
        "UPDATE pulse SET data = overlay(data placing 'x' from 1 for 1)",
        "UPDATE address SET text = '192.0.2.99:53/udp'",
        "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)",
        "UPDATE delivery SET attempts = 5",
        "UPDATE ledger SET at = at + 1",
        "DELETE FROM problem",
        "UPDATE trust SET failed_at = failed_at + 1",
        "UPDATE meta SET value = 'x' WHERE key = 'wildcards'",
        "UPDATE tally SET names = names + 1",
        "UPDATE domain SET name = 'x' || name WHERE id = 3",
    ],
)
def test_a_copy_that_is_not_the_same_is_told(
    make: MakeStore, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """A value or a row that changes behind the copy's back does not pass."""
    here, there = make(0), make(2)
    fill(here)
    whole = migrate.sum_shards

    def damaged(target: migrate.Targets, note: Callable[[Table, int], None]) -> dict[str, migrate.Copied]:
        postgres.execute(damage, schema=there.store_url.rpartition("%3D")[2])
        return whole(target, note)

    monkeypatch.setattr(migrate, "sum_shards", damaged)
    with pytest.raises(StoreError, match=r"(arrived with|differ).*not complete"):
        migrate.run(here.store_url, there.store_url, here, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "sqlite:////tmp/never.db", "--shards", "2"], "--shards: more than one needs postgresql"),
        (["--to", "postgresql://a@b/c", "--shards", "2", "--spread", "co.uk"], "--spread: takes top-level domains"),
        (["--to", "postgresql://a@b/c", "--spread", "!"], "--spread: must be suffixes"),
        (["--to", "postgresql://a@b/c", "--shards", "0"], "must be a whole number from 1 to 64"),
    ],
)
def test_what_cannot_be_divided_is_a_wrong_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Before anything is opened."""
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    code = 0
    with suppress(SystemExit):
        code = cli.main(["migrate", *arguments])
    told = capsys.readouterr()
    assert said in told.err + told.out
    assert code in (0, 2)
