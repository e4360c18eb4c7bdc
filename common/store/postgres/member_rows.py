"""The instances that share a database: a row of each, written by its coordinator every few seconds, whether or not it leads.

No fence is looked at: an instance that stands by writes its row too, and nothing is decided by it but which incarnation has a
name. All times are of the server's clock. A row need not outlive a crash of the server, so no commit waits for the disk.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from common.errors import StoreError
from common.store.file_members import FileMembers, read_member
from common.store.member_contract import KEPT_FOR, Holder, Member, Roster, SeenMember, Shown
from common.store.postgres import fence
from common.store.postgres.kept_connection import KeptConnection
from common.store.postgres.session import Connection, Limits, row_of, rows_of

#: An announcement that takes longer has failed: the next one follows within seconds.
ANNOUNCING = Limits(3000, 1000, 3000, 4000)
#: Most instances that are listed.
MOST = 64

_NOW = "extract(epoch FROM clock_timestamp())::float8"
_SEEN = "extract(epoch FROM seen_at)::float8"
# A time in the future is of a clock that was set back, and keeps nothing. An earlier run in our own directory has ended.
_ANNOUNCE = """
    INSERT INTO member AS old (name, incarnation, egress, version, started_at, seen_at, shown)
    VALUES (%(name)s, %(incarnation)s, %(egress)s, %(version)s, %(started_at)s, clock_timestamp(), %(shown)s)
    ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation, egress = excluded.egress, version = excluded.version,
        started_at = excluded.started_at, seen_at = excluded.seen_at, shown = excluded.shown
    WHERE old.incarnation IN (excluded.incarnation, %(earlier)s)
        OR abs(extract(epoch FROM excluded.seen_at - old.seen_at)) > %(kept)s
"""
_HOLDER = f"SELECT incarnation, shown, {_SEEN} FROM member WHERE name = %s"
_WITHDRAW = "DELETE FROM member WHERE name = %s AND incarnation = %s"
_FORGET = "DELETE FROM member WHERE seen_at < clock_timestamp() - make_interval(secs => %s)"
_MEMBERS = f"""
    SELECT name, incarnation, egress, version, started_at, shown, {_SEEN} FROM member ORDER BY seen_at DESC LIMIT {MOST}
"""


class PostgresMembers:
    """See `member_contract.Members`. One that was killed has its name again at once, where it starts in the same directory."""

    def __init__(self, url: str, instance_dir: Path) -> None:
        self._kept = KeptConnection(url, "member", ANNOUNCING, _make_table)
        self._note = FileMembers(instance_dir)
        earlier = read_member(instance_dir)
        self._earlier = "" if earlier is None else earlier.incarnation

    def announce(self, member: Member) -> Holder | None:
        """Write the row of an instance; another incarnation that lives and has its name is returned instead."""
        values: dict[str, Any] = {**msgspec.structs.asdict(member), "kept": KEPT_FOR, "earlier": self._earlier}
        values["shown"] = msgspec.json.encode(member.shown).decode()
        with self._kept.opened("announce this instance") as connection:
            while not connection.execute(_ANNOUNCE, values).rowcount:
                if (row := row_of(connection, _HOLDER, (member.name,))) is not None:
                    return Holder(row[0], _parse_shown(row[1]).host, row[2])
        with suppress(StoreError):  # on a full disk its next run waits for a moment
            self._note.announce(member)
        return None

    def withdraw(self, member: Member) -> None:
        """Remove the row of this incarnation."""
        with self._kept.opened("withdraw this instance") as connection:
            connection.execute(_WITHDRAW, (member.name, member.incarnation))
        self._note.withdraw(member)

    def forget(self, age: float) -> None:
        """Remove rows that were not written for so many seconds."""
        with self._kept.opened("forget instances") as connection:
            connection.execute(_FORGET, (age,))

    def roster(self) -> Roster:
        """The rows of all instances."""
        with self._kept.opened("read the instances") as connection:
            return read_roster(connection)

    def close(self) -> None:
        """Close the connection."""
        self._kept.close()


def read_roster(connection: Connection) -> Roster:
    """The newest announcements, and the server's time after they were read."""
    rows = rows_of(connection, _MEMBERS)
    present = row_of(connection, f"SELECT {_NOW}")
    return Roster(tuple(map(_to_seen, rows)), None if present is None else float(present[0]))


def _make_table(connection: Connection) -> None:
    fence.make_row(connection)
    connection.execute("SELECT set_config('synchronous_commit', 'off', false)")


def _to_seen(row: tuple[Any, ...]) -> SeenMember:
    name, incarnation, egress, version, started_at, shown, seen_at = row
    return SeenMember(Member(name, incarnation, egress, version, started_at, _parse_shown(shown)), seen_at)


def _parse_shown(text: str) -> Shown:
    with suppress(ValueError, RecursionError):
        return msgspec.json.decode(text, type=Shown)
    return Shown()
