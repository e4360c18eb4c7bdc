"""The walk of one input through the rooms of the core: every function that is entered from another room, in order."""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import common.core
from common.core.coordinator.inputs import Input, MessageArrived
from common.core.model.effects import Effect
from common.core.model.query import Query
from common.messages import Results
from tests.sim.world import World

CORE = str(Path(common.core.__file__).parent)


class Step(NamedTuple):
    """A function (`door`) of a room (a package of the core) that is entered from another one."""

    source: str
    room: str
    door: str


class Walk:
    """Records, between `begin` and `end`, every entry into a room and every call of the functions in `counted`."""

    def __init__(self, counted: frozenset[str]) -> None:
        self.steps: list[Step] = []
        self.calls: list[str] = []
        self._counted = counted
        self._rooms: dict[CodeType, str] = {}
        self._before: Any = None

    def begin(self) -> None:
        """Watch every call from now on."""
        self._before = sys.getprofile()
        sys.setprofile(self._note_call)

    def end(self) -> None:
        """Watch no more."""
        sys.setprofile(self._before)

    def rooms(self) -> list[str]:
        """The rooms in the order of their first entry."""
        return list(dict.fromkeys(step.room for step in self.steps))

    def doors_of(self, room: str) -> list[str]:
        """The distinct functions by which a room is entered."""
        return list(dict.fromkeys(step.door for step in self.steps if step.room == room))

    def to_text(self) -> str:
        """The walk, a line for each step; steps that repeat the one before are counted."""
        lines: list[tuple[Step, int]] = []
        for step in self.steps:
            times = lines.pop()[1] + 1 if lines and lines[-1][0] == step else 1
            lines.append((step, times))
        return "\n".join(
            f"{step.source:>12} -> {step.room:<12} {step.door}{f'  ({times} times)' if times > 1 else ''}"
            for step, times in lines
        )

    def _note_call(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        code = frame.f_code
        room = self._room_of(code)
        if not room or code.co_name.startswith("<"):  # a comprehension or a lambda is part of the function around it
            return
        if code.co_name in self._counted:
            self.calls.append(code.co_qualname)
        source = self._source_of(frame.f_back)
        if source != room:
            self.steps.append(Step(source, room, code.co_qualname))

    def _source_of(self, frame: FrameType | None) -> str:
        """The room that calls: of the nearest caller in the core, "" where there is none."""
        while frame is not None:
            if room := self._room_of(frame.f_code):
                return room
            frame = frame.f_back
        return ""

    def _room_of(self, code: CodeType) -> str:
        """The package of the core in which a function is written, "" for any other."""
        if code not in self._rooms:
            path = code.co_filename
            self._rooms[code] = Path(path).relative_to(CORE).parts[0] if path.startswith(CORE) else ""
        return self._rooms[code]


class WalkedWorld(World):
    """A world that records the walk of every answer to a query; `walks` are (name, walk)."""

    def __init__(self, counted: frozenset[str], **options: Any) -> None:
        super().__init__(**options)
        self.walks: list[tuple[str, Walk]] = []
        self._handle, self._counted = self.core.handle, counted
        self.core.handle = self._handle_recorded  # type: ignore[method-assign]

    def _handle_recorded(self, event: Input, now: float) -> list[Effect]:
        if not isinstance(event, MessageArrived) or not isinstance(event.message, Results) or not event.message.results:
            return self._handle(event, now)
        (result,) = event.message.results
        query = self.core.rooms.workers.lease_subject(result.attempt)
        walk = Walk(self._counted)
        walk.begin()
        try:
            return self._handle(event, now)
        finally:
            walk.end()
            self.walks.append((query.domain if isinstance(query, Query) else "", walk))
