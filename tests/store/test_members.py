"""How instances announce themselves: in rows of a database, and in files beside their heartbeats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from msgspec import structs

from common import config, instances
from common.clock import monotonic, now, pause
from common.config import Settings
from common.errors import StoreError
from common.heartbeat import Heartbeat, heartbeat_directory, write_heartbeat
from common.store import file_members
from common.store.file_members import FileMembers, open_members
from common.store.member_contract import GONE_AFTER, KEPT_FOR, Member, Members, Roster, SharedMembers, Shown, other_names
from common.store.postgres.member_rows import PostgresMembers
from common.store.postgres.tables import SHOWN_LIMIT
from common.store.reader import open_reader
from tests.store.builders import open_next
from tests.store.conftest import empty_store

ONE = Member("one", "first", "north", "1.2", 1000.5, Shown("host-a", 7, stopping=True, leader="two", epoch=3, heard_ago=0.5))
TWO = Member("two", "other", "south", "1.3", 2000.0, Shown("host-b", coordinator_ago=1.5, coordinator_started_at=9.0))


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database."""
    return empty_store(request, "postgresql", tmp_path / "state")


@pytest.fixture
def members(settings: Settings) -> Iterator[Members]:
    """The announcements, in a database that no instance has led yet."""
    with closing(open_members(settings)) as opened:
        assert isinstance(opened, PostgresMembers)
        yield opened


@pytest.fixture
def beside(settings: Settings) -> Iterator[psycopg.Connection]:
    """A session of another program."""
    with closing(psycopg.connect(settings.store_url, autocommit=True)) as connection:
        yield connection


def roster(settings: Settings) -> Roster:
    """What readers see, once an instance leads."""
    with closing(open_next(settings)), closing(open_reader(settings)) as reader:
        return reader.members()


def age(beside: psycopg.Connection, seconds: float) -> None:
    """Let the announcements grow older by the clock of the server."""
    beside.execute("UPDATE member SET seen_at = seen_at - make_interval(secs => %s)", (seconds,))


def test_readers_see_what_every_instance_announces(settings: Settings, members: Members) -> None:
    """The last one first, with the time of the server, before and after any instance leads."""
    assert members.announce(ONE) is members.announce(TWO) is None
    found = roster(settings)
    assert [seen.member for seen in found.members] == [TWO, ONE]
    assert found.now is not None
    assert abs(found.now - now()) < 5.0
    assert 0.0 <= found.now - found.members[0].seen_at < 60.0
    later = structs.replace(ONE, egress="x", version="2", started_at=7.0, shown=Shown("c"))
    assert members.announce(later) is None
    again = roster(settings)
    assert [seen.member for seen in again.members] == [later, TWO]
    assert again.members[0].seen_at > found.members[0].seen_at


def test_a_name_belongs_to_the_incarnation_that_announces_it(
    settings: Settings, members: Members, beside: psycopg.Connection
) -> None:
    """Another one is told which; it gets the name once the first was silent for long enough, and then the first is refused."""
    assert members.announce(ONE) is None
    second = structs.replace(ONE, incarnation="second", shown=Shown("host-z"))
    holder = members.announce(second)
    assert holder is not None
    assert (holder.incarnation, holder.host) == ("first", "host-a")
    (seen,) = roster(settings).members
    assert (seen.member, seen.seen_at) == (ONE, holder.seen_at)
    age(beside, KEPT_FOR - 2.0)
    assert members.announce(ONE) is None
    age(beside, KEPT_FOR - 2.0)
    assert members.announce(second) is not None, "it was renewed meanwhile"
    age(beside, 2.0)
    assert members.announce(second) is None
    refused = members.announce(ONE)
    assert refused is not None
    assert (refused.incarnation, refused.host) == ("second", "host-z")


def test_an_instance_that_was_killed_has_its_name_again_at_once(settings: Settings) -> None:
    """Where it starts in the same directory: the run that was noted there has ended. Another incarnation stays."""
    heartbeat_directory(settings.instance_dir).mkdir(parents=True)
    second = structs.replace(ONE, incarnation="second")
    with closing(open_members(settings)) as members:
        assert members.announce(ONE) is None
        assert members.announce(second) is not None
    with closing(open_members(settings)) as members:
        assert members.announce(second) is None
        assert members.announce(structs.replace(ONE, incarnation="third")) is not None
        members.withdraw(second)
    assert file_members.read_member(settings.instance_dir) is None


def test_a_clock_that_was_set_back_keeps_no_name(members: Members, beside: psycopg.Connection) -> None:
    """An announcement of the future is as good as an old one."""
    members.announce(ONE)
    age(beside, -(KEPT_FOR + 5.0))
    assert members.announce(structs.replace(ONE, incarnation="second")) is None


def test_only_its_own_incarnation_withdraws_a_name(settings: Settings, members: Members) -> None:
    """The name is free at once."""
    members.announce(ONE)
    members.announce(TWO)
    members.withdraw(structs.replace(ONE, incarnation="second"))
    assert len(roster(settings).members) == 2
    members.withdraw(ONE)
    assert [seen.member for seen in roster(settings).members] == [TWO]
    assert members.announce(structs.replace(ONE, incarnation="second")) is None


def test_only_what_is_old_is_forgotten(settings: Settings, members: Members, beside: psycopg.Connection) -> None:
    """By the clock of the server."""
    members.announce(ONE)
    age(beside, 601.0)
    members.announce(TWO)
    members.forget(700.0)
    assert len(roster(settings).members) == 2
    members.forget(600.0)
    assert [seen.member for seen in roster(settings).members] == [TWO]


def test_announcements_leave_nothing_to_vacuum(members: Members, beside: psycopg.Connection) -> None:
    """No index has a new entry (heap only tuples), and a hundred versions of a row fit into the page that it began in."""
    for count in range(101):
        members.announce(structs.replace(ONE, started_at=float(count), shown=Shown("h", processes=count)))
    members.close()  # which reports what was done
    counts = (
        "SELECT n_tup_upd, n_tup_hot_upd, pg_relation_size('member') FROM pg_stat_user_tables WHERE relid = 'member'::regclass"
    )
    deadline = monotonic() + 20.0
    while (found := beside.execute(counts).fetchone()) != (100, 100, 8192):
        assert monotonic() < deadline, found
        pause(0.02)


def test_a_row_is_bounded_and_what_is_no_json_shows_nothing(
    settings: Settings, members: Members, beside: psycopg.Connection
) -> None:
    """Whatever another version, or another program, wrote there."""
    members.announce(ONE)
    with pytest.raises(StoreError, match="cannot announce this instance"):
        members.announce(structs.replace(ONE, shown=Shown("x" * SHOWN_LIMIT)))
    for text in ("{", "[]", '{"processes": "many"}', '{"other": 1}', ""):
        beside.execute("UPDATE member SET shown = %s", (text,))
        assert [seen.member for seen in roster(settings).members] == [structs.replace(ONE, shown=Shown())]
        holder = members.announce(structs.replace(ONE, incarnation="second"))
        assert holder is not None
        assert holder.host == ""


def test_no_announcement_waits_for_the_disk(settings: Settings) -> None:
    """Nor for a standby server: it is renewed within seconds."""
    members = PostgresMembers(settings.store_url, settings.instance_dir)
    with closing(members), members._kept.opened("look") as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)


def test_a_connection_that_broke_is_replaced(members: Members, beside: psycopg.Connection) -> None:
    """No announcement fails."""
    members.announce(ONE)
    ended = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = %s"
    assert beside.execute(ended, ("domain-monitor member",)).fetchone() == (1,)
    assert members.announce(ONE) is None


def test_beside_a_store_in_a_file_egress_and_host_are_noted_in_the_directory(tmp_path: Path) -> None:
    """Heartbeats show the rest; nothing is refused there, and what is no note of ours is none."""
    settings = config.load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one"})
    heartbeat_directory(settings.instance_dir).mkdir(parents=True)
    write_heartbeat(settings.instance_dir, Heartbeat("control", "control", 7, "b", 5.0, 1.0, 0, "one"))
    with closing(open_members(settings)) as members:
        assert isinstance(members, FileMembers)

        def shown() -> tuple[str | None, str | None]:
            (found,) = instances.list_instances(tmp_path)
            return found.host, found.egress

        assert shown() == (None, None)
        assert members.announce(ONE) is None
        assert shown() == ("host-a", "north")
        written = (settings.instance_dir / "member.json").stat().st_ino
        assert members.announce(structs.replace(ONE, started_at=7.0)) is None
        assert (settings.instance_dir / "member.json").stat().st_ino == written, "it is written once"
        assert members.announce(structs.replace(ONE, incarnation="second", egress="south")) is None
        assert shown() == ("host-a", "south")
        (settings.instance_dir / "member.json").write_text("[[[")
        members.forget(0.0)
        assert shown() == (None, None)
        members.withdraw(ONE)
        assert not (settings.instance_dir / "member.json").exists()
        members.withdraw(ONE)
        members.announce(ONE)
        assert file_members.read_member(settings.instance_dir) == ONE
        with closing(open_next(settings)), closing(open_reader(settings)) as reader:
            assert reader.members() == Roster((), None)


def test_a_note_that_cannot_be_written_is_an_error_of_the_store(tmp_path: Path) -> None:
    """It names the file."""
    with pytest.raises(StoreError, match=r"member\.json cannot be written"):
        FileMembers(tmp_path / "missing").announce(ONE)


def test_the_others_are_those_that_may_be_alive(members: Members, beside: psycopg.Connection) -> None:
    """Not oneself, and not what is gone for a minute; nothing is known without a clock of the store."""
    assert isinstance(members, SharedMembers)
    members.announce(ONE)
    age(beside, GONE_AFTER + 1)
    members.announce(TWO)
    assert other_names(members.roster(), "three") == {"two"}
    assert other_names(members.roster(), "two") == set()
    members.announce(ONE)
    age(beside, GONE_AFTER - 5)
    assert other_names(members.roster(), "two") == {"one"}
    assert other_names(Roster(), "two") is None
