"""Names known to be registered, which serve as canaries: the operator's own, those lately found registered, the built-in ones."""

from __future__ import annotations

from collections.abc import Mapping

from common.core.builtin.canary_names import canaries_for
from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome

#: Names per suffix remembered as lately found registered, and for how long after that they may accuse a server, in seconds.
RECENT, RECENT_AGE = 5, 7200.0
#: Dead canaries remembered; the oldest are given another chance.
MOST_DEAD = 1000


class KnownNames:
    """`own` are the operator's canaries by suffix (`CANARIES_FILE`)."""

    def __init__(self, own: Mapping[str, tuple[str, ...]]) -> None:
        self._own = own
        self._recent: dict[str, dict[str, float]] = {}  # by suffix: names lately found registered, and when
        self._dead: dict[str, None] = {}  # canaries that turned out to be gone, in that order

    def canaries_for(self, key: ChannelKey, but: str) -> tuple[str, ...]:
        """The names to ask a channel about, the best first: not `but`, about which it is asked anyway."""
        own = tuple(name for name in self._own.get(key.suffix, ()) if name not in self._dead)
        seen = sorted(self._recent.get(key.suffix, {}).items(), key=lambda item: -item[1])
        names = own or tuple(name for name, _ in seen) + tuple(canaries_for(key.suffix))
        return tuple(name for name in names if name != but and name not in self._dead)

    def is_certain(self, probe: Probe, now: float) -> bool:
        """Whether a canary is surely registered: the operator says so, or registry and zone said so a short while ago."""
        suffix = probe.key.suffix
        seen = self._recent.get(suffix, {}).get(probe.domain)
        return probe.domain in self._own.get(suffix, ()) or (seen is not None and now - seen <= RECENT_AGE)

    def is_dead(self, name: str) -> bool:
        """Whether a canary turned out to be gone."""
        return name in self._dead

    def bury_canary(self, name: str) -> None:
        """Use a canary no more: it is gone."""
        self._dead[name] = None
        if len(self._dead) > MOST_DEAD:
            del self._dead[next(iter(self._dead))]

    def note_registered(self, entry: Entry, observation: Observation, now: float) -> None:
        """Remember names that registry and zone both know: the best canaries there are."""
        names = self._recent.setdefault(entry.suffix, {})
        evidence = entry.detail.evidence
        registry = [evidence[method] for method in ("rdap", "whois") if method in evidence]
        dns = evidence.get("dns")
        known = [*registry, *([dns] if dns else [])]
        if dns and registry and all(item.observation.reading.outcome is Outcome.REGISTERED for item in known):
            names[entry.name] = now
            if len(names) > RECENT:
                del names[min(names, key=lambda name: names[name])]
        elif observation.reading.outcome is not Outcome.REGISTERED:
            names.pop(entry.name, None)
