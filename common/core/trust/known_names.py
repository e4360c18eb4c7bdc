"""Names known to be registered, which serve as canaries: the operator's own, lately found ones, built-in ones."""

from __future__ import annotations

from collections.abc import Mapping

from common.core.builtin.canary_names import canaries_for
from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome
from common.core.model.methods import REGISTRY_METHODS
from common.core.trust.hidden_names import HiddenNames

#: Names per suffix remembered as lately found registered, and for how long after that they may accuse a server, in seconds.
RECENT, RECENT_AGE = 5, 7200.0
#: Dead canaries remembered; the oldest are given another chance.
MOST_DEAD = 1000


class KnownNames:
    """The names that serve as canaries; `own` are the operator's, by suffix (`CANARIES_FILE`).

    `hidden` are those that the registry shows and the zone does not.
    """

    def __init__(self, own: Mapping[str, tuple[str, ...]]) -> None:
        self.hidden = HiddenNames()
        self._own = own
        self._recent: dict[str, dict[str, float]] = {}  # by suffix: names lately found registered, and when
        self._dead: dict[str, None] = {}  # canaries that turned out to be gone, in that order

    def canaries_for(self, key: ChannelKey, but: str) -> tuple[str, ...]:
        """The canaries of a channel, the best first, without `but`, about which it is queried anyway."""
        own = tuple(name for name in self._own.get(key.suffix, ()) if name not in self._dead)
        recent = self._recent.get(key.suffix, {})
        names = own or (*sorted(recent, key=lambda name: -recent[name]), *canaries_for(key.suffix))
        return tuple(name for name in names if name != but and name not in self._dead)

    def is_certain(self, probe: Probe, now: float) -> bool:
        """Whether a canary is surely registered: the operator names it, or registry and zone showed it within RECENT_AGE."""
        suffix = probe.key.suffix
        seen = self._recent.get(suffix, {}).get(probe.domain)
        return probe.domain in self._own.get(suffix, ()) or (seen is not None and now - seen <= RECENT_AGE)

    def is_dead(self, name: str) -> bool:
        """Whether a canary turned out not to be registered any more."""
        return name in self._dead

    def retire_canary(self, name: str) -> None:
        """Use a canary no more: it is not registered any more."""
        self._dead[name] = None
        if len(self._dead) > MOST_DEAD:
            del self._dead[next(iter(self._dead))]

    def note_registered(self, entry: Entry, observation: Observation, now: float) -> None:
        """Remember a name that registry and zone both show, the best canary there is; forget one that is not registered."""
        self.hidden.note_record(entry, observation, now)
        names = self._recent.setdefault(entry.suffix, {})
        evidence = entry.detail.evidence
        registry = [evidence[method] for method in REGISTRY_METHODS if method in evidence]
        dns = evidence.get("dns")
        known = [*registry, *([dns] if dns else [])]
        if dns and registry and all(item.observation.reading.outcome is Outcome.REGISTERED for item in known):
            names[entry.name] = now
            if len(names) > RECENT:
                del names[min(names, key=lambda name: names[name])]
        elif observation.reading.outcome is not Outcome.REGISTERED:
            names.pop(entry.name, None)
