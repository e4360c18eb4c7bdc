"""Whether a server or its canary is to blame: a canary that is gone, or out of the zone, was a bad canary.

Whoever denies a name known to be registered is in quarantine at once. Then the other side is asked about that name: the zone
where a registry server denied it, a registry server where the zone did. If it is gone there too, the canary is retired and
whoever denied it is pardoned; where the other side knows it, the denial was a lie.
"""

from __future__ import annotations

from common.core.coordinator.board import Board, host_of
from common.core.model.evidence import Observation, Outcome
from common.core.trust.server_trust import Key, Probe
from common.core.verdict.verdicts import OUT_OF_ZONE

#: Seconds for which the denials of one canary by different servers belong together.
DOUBT = 3600.0


def begin(board: Board, probe: Probe, now: float) -> Probe | None:
    """A server denied a canary: the question that will settle it. None where nobody could tell."""
    if not probe.registered:
        return None
    key = _other_side(board, probe.key, now)
    if key is None:
        return None
    board.doubts = {name: doubt for name, doubt in board.doubts.items() if now - doubt[0] <= DOUBT}
    _, accused = board.doubts.get(probe.domain, (now, frozenset()))
    board.doubts[probe.domain] = (now, accused | {probe.key})
    return Probe(key, probe.domain, registered=True)


def about(board: Board, key: Key) -> bool:
    """Whether it is still open whether a server lied."""
    return any(key in accused for _, accused in board.doubts.values())


def settle(board: Board, probe: Probe, observation: Observation, now: float) -> bool:
    """Whether an answer shows that the canary itself is gone: then it is retired and its servers are pardoned.

    Where the other side knows the canary, whoever denied it was wrong.
    """
    _, accused = board.doubts.get(probe.domain, (now, frozenset()))
    others = sorted(key for key in accused if _is_zone(key) is not _is_zone(probe.key))
    if not others:
        return False
    outcome, phase = observation.reading.outcome, observation.reading.phase
    if outcome is Outcome.UNREGISTERED:
        _retire(board, probe, now, "registry and zone both deny it")
        return True
    if outcome is Outcome.REGISTERED and phase in OUT_OF_ZONE:
        _retire(board, probe, now, f"the registry says {phase.value.replace('_', ' ')}, so the zone rightly denies it")
    elif outcome is Outcome.REGISTERED:
        for key in others:
            board.accuracy.settled(key, board.metrics, now, wrong=True)
        left = accused.difference(others)
        board.doubts.pop(probe.domain)
        if left:
            board.doubts[probe.domain] = (now, left)
    return False


def _retire(board: Board, probe: Probe, now: float, reason: str) -> None:
    _, accused = board.doubts.pop(probe.domain)
    board.retire(probe.domain)
    for key in sorted(accused):
        board.trust.pardon(key)
        board.accuracy.settled(key, board.metrics, now, wrong=False)
    remedy = f"{reason}: name another one in CANARIES_FILE"
    board.say("warning", "canary_retired", canary=probe.domain, suffix=probe.key[2], reason=remedy)
    board.metrics.count("canaries_retired")


def _other_side(board: Board, key: Key, now: float) -> Key | None:
    """Whom to ask: the zone about a registry server's denial, a registry server that is believed about the zone's."""
    suffix = key[2]
    if not _is_zone(key):
        return None if board.wildcard(suffix) else ("dns", suffix, suffix)
    for method in ("rdap", "whois"):
        server = board.server(method, suffix)
        other = (method, host_of(server or ""), suffix)
        if server and not board.trust.quarantined(other, now):
            return other
    return None


def _is_zone(key: Key) -> bool:
    return key[0] == "dns"
