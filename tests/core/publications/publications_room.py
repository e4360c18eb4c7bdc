"""The room of publications on its lower doors, without a coordinator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.core.domains.domain_table import STATE_CODES
from common.core.model.entry import Entry
from common.core.model.ids import Ids
from common.core.model.publication import ListedName
from common.core.model.states import State
from common.core.publications.certificates import CertificateChecks
from common.core.publications.joins import Joins
from common.core.publications.zone_names import ZoneNames
from common.messages import PublicationPart
from tests.core.checks.checks_room import NOW, ChecksRoom


class PublicationsRoom(ChecksRoom):
    """Every door of publications and of the rooms below; names lie under .uk, .se, .sk and .ee as well."""

    def __init__(self) -> None:
        super().__init__()
        self.joins = Joins(
            domains=self.domains,
            starts=self.starts,
            zones=ZoneNames(domains=self.domains, conclusions=self.conclusions, announcer=self.announcer),
            certificates=CertificateChecks(domains=self.domains, starts=self.starts),
            telemetry=self.telemetry,
        )
        for suffix in ("uk", "se", "sk", "ee", "mx", "br", "cn"):
            self.registries.wildcards.start_measuring(suffix, NOW)
            self.registries.wildcards.note_measured(suffix, wildcard=False)

    def watch_in(self, state: State, *names: str, due: float = NOW + 600, seen_at: float = NOW - 7200, code: int = 0) -> Ids:
        """Watch names that are in this state since `seen_at`, when DNS last gave this code; their records are fresh."""
        ids, table = self.watch(*names, at=due), self.domains.table
        table.state[ids] = STATE_CODES[state]
        table.checked_at[ids] = table.dns_at[ids] = seen_at
        table.code[ids], table.registry_due[ids] = code, NOW + 1e6
        self.domains.count_state("UNKNOWN", state, len(ids))
        return ids

    def tell(
        self,
        publication: str,
        names: Sequence[str | tuple[str, float]],
        *,
        made_at: float = NOW - 600,
        now: float = NOW,
        total: int = 1_000_000,
    ) -> None:
        """Tell of a reading in one part, and let names go on."""
        listed = tuple(ListedName(*((name,) if isinstance(name, str) else name)) for name in names)
        self.joins.take_part(PublicationPart(publication, made_at, made_at, 0, True, total, listed), now)
        self.joins.release_waiting(now)

    def begin(self, now: float = NOW) -> None:
        """Begin the checks that wait."""
        self.starts.begin_waiting(now)

    def entry_of(self, name: str) -> Entry:
        """The entry of a loaded name."""
        entry = self.domains.find_loaded(name)
        assert entry is not None
        return entry

    def due(self, ids: Ids) -> list[float]:
        """In how many seconds these names are due."""
        times: list[float] = np.round(self.domains.table.schedule.times_of(ids) - NOW, 3).tolist()
        return times

    def asked(self) -> list[tuple[str, str]]:
        """The queries of the checks that waited."""
        self.begin()
        return self.waiting_queries()
