"""Members of a store in a file: each shows itself by heartbeats in the state directory, and by what is noted beside them here.

A second run of one instance in that directory is refused by its lock (`common.instance_lock`), and the directory of an
instance that is gone is deleted as a whole (`common.instances.forget`).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from common import small_files
from common.config import Settings
from common.errors import StoreError
from common.store.member_contract import Holder, Member, Members

#: Largest file read, in bytes.
FILE_LIMIT = 16_384
_NAME = "member.json"


def open_members(settings: Settings) -> Members:
    """The announcements of the store that the settings name."""
    if not settings.store_in_file:
        from common.store.postgres.member_rows import PostgresMembers  # noqa: PLC0415  # most instances need no psycopg

        return PostgresMembers(settings.store_url, settings.instance_dir)
    return FileMembers(settings.instance_dir)


class FileMembers:
    """See `member_contract.Members`; only what does not change is noted.

    Over a database the same note says which incarnation ran in this directory before.
    """

    def __init__(self, instance_dir: Path) -> None:
        self._instance_dir = instance_dir
        self._noted: tuple[str, str] | None = None

    def announce(self, member: Member) -> Holder | None:
        """Note egress, version and host, once."""
        noted = member.incarnation, member.egress
        if noted != self._noted:
            try:
                small_files.replace_file(self._instance_dir / _NAME, msgspec.json.encode(member))
            except OSError as error:
                raise StoreError(f"{self._instance_dir / _NAME} cannot be written: {error.strerror or error}") from error
            self._noted = noted
        return None

    def withdraw(self, member: Member) -> None:  # noqa: ARG002  # the directory is of one instance
        """Delete the note."""
        with suppress(OSError):
            (self._instance_dir / _NAME).unlink()
        self._noted = None

    def forget(self, age: float) -> None:
        """Nothing: each control process clears away directories without a sign of life."""

    def close(self) -> None:
        """Nothing is kept open."""


def read_member(instance_dir: Path) -> Member | None:
    """What an instance noted last in its directory; None where there is nothing, or no note of ours."""
    with suppress(OSError, ValueError, RecursionError):
        return msgspec.json.decode(small_files.read_bounded(instance_dir / _NAME, FILE_LIMIT), type=Member)
    return None
