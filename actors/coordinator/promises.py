"""What a coordinator that stands by promises to the one that leads, while it finds the server of the database away.

The leader goes on only with such promises (`common.processes.consents`). A promise is noted in a file before it is sent, so
that a new run of this instance keeps it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from common import small_files
from common.bus import InboxSender, choose_way
from common.clock import monotonic, now
from common.messages import Promise
from common.process import Runtime
from common.processes import consents
from common.processes.consents import PROMISE_EVERY, Lead, Word
from common.shard_settings import shard_directory
from common.store.lease_contract import Leader

#: Largest file read, in bytes.
FILE_LIMIT = 1000
_NAME = "promise.json"


class _Note(msgspec.Struct):
    epoch: int
    boot: str
    until: float  # epoch seconds


class Promises:
    """Gives promises, and keeps them."""

    def __init__(self, runtime: Runtime) -> None:
        self._settings = runtime.settings
        self._path: Path = shard_directory(self._settings) / _NAME
        self._word = Word()
        self._sender: InboxSender | None = None
        self._receiver: Leader | None = None
        self._restore_word()

    def binding(self) -> Lead | None:
        """Whose lease may not be taken yet; None where no promise binds."""
        return self._word.binding(monotonic())

    def end_word(self) -> None:
        """The leader has given its lease up, or is followed by another one."""
        self._word.end()

    async def keep_promising(self, receiver: Callable[[], Leader | None]) -> None:
        """Promise every second, until cancelled, to the leader that `receiver` names; nothing where it is None."""
        try:
            while True:
                leader = receiver()
                self._move(leader)
                if leader is not None:
                    self._promise(leader)
                await asyncio.sleep(PROMISE_EVERY)
        finally:
            self._move(None)

    def _promise(self, leader: Leader) -> None:
        lead = Lead(leader.epoch, leader.boot)
        note = _Note(lead.epoch, lead.boot, now() + consents.BINDS)
        try:
            small_files.replace_file(self._path, msgspec.json.encode(note))
        except OSError:
            return  # the next run would not know of it
        self._word.give(lead, monotonic())
        if self._sender is not None:
            self._sender.send(Promise(self._settings.instance_id, leader.epoch, leader.boot, now()))

    def _move(self, leader: Leader | None) -> None:
        """Connect to a leader, or to none."""
        if leader == self._receiver:
            return
        self._receiver = leader
        if self._sender is not None:
            self._sender.close()
        self._sender = None if leader is None else InboxSender(self._settings, choose_way(self._settings, leader).addresses)

    def _restore_word(self) -> None:
        with suppress(OSError, ValueError, RecursionError):
            note = msgspec.json.decode(small_files.read_bounded(self._path, FILE_LIMIT), type=_Note)
            left = note.until - now()
            if 0 < left <= consents.BINDS:
                self._word.give(Lead(note.epoch, note.boot), monotonic() - consents.BINDS + left)
