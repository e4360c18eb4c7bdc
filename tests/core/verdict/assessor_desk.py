"""An assessor with the rooms below it, and a name whose alarm it judges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from common.core.lifecycle.forecast import HOUR
from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome
from common.core.model.states import State
from common.core.verdict.assessor import Assessment, Assessor
from common.core.verdict.gates import Requirements
from tests.core.trust.trust_rooms import NOW, TrustRooms, answer_of, verify_server


@dataclass
class Desk:
    """An assessor with the rooms below it, and a name of .com that was seen registered an hour ago."""

    rooms: TrustRooms = field(default_factory=TrustRooms)
    state: State = State.PENDING_DELETE

    def __post_init__(self) -> None:
        rooms = self.rooms
        self.assessor = Assessor(rooms.registries, rooms.channels, rooms.trust, rooms.conditions, rooms.domains.cadence)
        self.entry = Entry("gone.com", "com", "gone", state=self.state)
        self.entry.detail.registered_seen = NOW - HOUR

    def needs(self, **changes: Any) -> Requirements:
        """The requirements, once these fields of the detail are so."""
        for name, value in changes.items():
            setattr(self.entry.detail, name, value)
        return self.assessor.requirements_of(self.entry, NOW)

    def deny(self, *keys: ChannelKey, verified: bool = True) -> None:
        """These channels deny the name now, and are verified in the same moment or not at all."""
        for key in keys:
            self.entry.note_observation(answer_of(key, Outcome.UNREGISTERED), NOW)
            if verified:
                verify_server(self.rooms, key, NOW)

    def assess(self, now: float = NOW) -> Assessment:
        """The assessment."""
        return self.assessor.assess_evidence(self.entry, now)
