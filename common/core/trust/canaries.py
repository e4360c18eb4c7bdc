"""Canaries: asking servers what we know the answer to, and what follows from their answers.

A positive counts only after its server found a name known to be registered again (`server_trust` keeps the score). Here is which
names serve, when they are asked, and how a lie is undone: a lying server loses what it said (whether it was the canary's fault is
the matter of `canary_disputes`).
"""

from __future__ import annotations

from collections.abc import Iterable

from common.core.audit import ledger
from common.core.builtin.canary_names import canaries_for
from common.core.channels.channel_health import QUESTIONS
from common.core.checks.conclude import judge
from common.core.checks.escalation import BUDGET, POOL_OF
from common.core.coordinator.board import Board
from common.core.lifecycle.forecast import ENDING
from common.core.model.entry import URGENT, Entry, Round
from common.core.model.evidence import Observation, Outcome
from common.core.model.records import Evidence
from common.core.rate_limits.query_queue import Ask
from common.core.trust import canary_disputes
from common.core.trust.server_trust import Key, Probe, grade, random_label
from common.core.verdict.assess import registry_conditions, trust_key
from common.core.verdict.gates import canary_window, is_registry

#: Names per suffix remembered as lately found registered, and for how long after that they may accuse a server, in seconds.
WITNESSES, WITNESS_AGE = 5, 7200.0
#: Seconds after which a suffix is asked again whether it answers for everything, and how long a first visit waits for that.
WILDCARD_EVERY, WILDCARD_WAIT = 86_400.0, 5.0
#: Seconds after which it is asked again where nothing came of it.
WILDCARD_AGAIN = 60.0
#: How often a server that keeps saying "registered" about a name that should go is asked about a random one, in seconds;
#: and inside the forecast window.
LOOK_OUT, LOOK_OUT_CLOSE = 3600.0, 600.0
#: Longest time for which the next pass of a name waits for canaries, in seconds.
LONGEST_WAIT = 7200.0


def await_servers(board: Board, entry: Entry, waiting: list[tuple[Key, float]], started: float, now: float) -> None:
    """Ask the servers that a name's alarm waits for what we know the answer to; `waiting` as `assess.waits_for` says.

    The name is judged again when they have answered, and its next pass waits for that, as long as a question is on its way.
    """
    entry.awaited.clear()
    for key, at in waiting:
        board.waiting.setdefault(key, {})[entry.name] = started
        ask(board, key, entry.name, at, now)
        if key in board.probing:
            entry.awaited.add(key)


def patience(board: Board, entry: Entry, now: float) -> float:
    """How long the next pass waits for canaries that are on their way, in seconds: what the slowest of the servers needs."""
    slowest = 0.0
    for method, _, suffix in entry.awaited:
        pace = board.pace(method, suffix, now) if method != "dns" else 1.0
        slowest = max(slowest, BUDGET[method] + (QUESTIONS / pace if pace > 0 else 0.0))
    return min(slowest, LONGEST_WAIT)


def ask(board: Board, key: Key, name: str, at: float, now: float) -> None:
    """Ask a server what we know the answer to, so that its answer about `name` at `at` may count."""
    if key in board.probing or board.trust.quarantined(key, now):
        return
    window = canary_window(registry_conditions(board, key[2], now)[1])
    for probe in board.trust.probes(key, at, known_names(board, key, name), now, board.rng, window=window):
        put(board, probe, now)


def look_out(board: Board, entry: Entry, current: Round, now: float) -> None:
    """Ask a server about a canary out of suspicion: what it said about a name it may say about everything.

    One that still says "registered" of a name that should be gone is asked about a random name, one that denies what another
    answer of this check knows about a known one.
    """
    overdue = entry.phase in ENDING or entry.in_window(now)
    every = LOOK_OUT_CLOSE if entry.in_window(now) else LOOK_OUT
    known = Outcome.REGISTERED in current.said.values()
    for method in ("rdap", "whois"):
        item, said = entry.detail.evidence.get(method), current.said.get(method)
        if item is None:
            continue
        key = (method, item.observation.server, entry.suffix)
        row = board.trust.row(key)
        if said is Outcome.REGISTERED and overdue:
            random = Probe(key, f"{random_label(board.rng)}.{entry.suffix}", registered=False)
            _suspect(board, random, row.free_ok, every, now)
        elif said is Outcome.UNREGISTERED and known:
            for name in known_names(board, key, entry.name)[:1]:
                _suspect(board, Probe(key, name, registered=True), row.registered_ok, LOOK_OUT_CLOSE, now)


def _suspect(board: Board, probe: Probe, answered_at: float, every: float, now: float) -> None:
    """Ask about a canary, unless its server answered such a one rightly or failed less than `every` seconds ago."""
    key = probe.key
    last = max(answered_at, board.trust.row(key).failed_at, board.lookouts.get(key, 0.0))
    if key not in board.probing and now - last > every:
        board.lookouts[key] = now
        put(board, probe, now)


def heard(board: Board, probe: Probe, observation: Observation, now: float) -> list[str]:
    """A canary answered: believe the server, or void what it said since it was last right.

    Returns the names that waited for it.
    """
    key = probe.key
    last = _back(board, key)
    wild = key[0] == "dns" and not probe.registered and _wildcard_heard(board, key[2], observation)
    _wildcard_unknown(board, probe, now)
    before = board.trust.row(key).registered_ok
    if canary_disputes.settle(board, probe, observation, now):
        return _released(board, key, board.waiting.pop(key, {})) if last else []
    certain = _certain(board, probe, now)
    gone = probe.domain in board.retired  # asked before it was retired
    lie = None if wild or gone else board.trust.answered(probe, observation, now, certain=certain)
    graded = "wildcard" if wild else "lie" if lie else grade(probe, observation.reading.outcome)
    board.metrics.count("canaries", method=key[0], result=graded)
    names = board.waiting.pop(key, {}) if last or lie else {}
    if board.trust.green(key, now):
        board.gaps.proven(key)
    if lie is not None:
        board.metrics.count("quarantines", method=key[0])
        fields = {"method": key[0], "server": key[1], "suffix": key[2], "reason": lie}
        board.complain("warning", "server_quarantined", " ".join(key), now, **fields)
    other = canary_disputes.begin(board, probe, now) if lie is not None else None
    if other is not None:
        put(board, other, now)
    doubted = other is not None
    if lie is not None:
        board.accuracy.failed(key, {}, board.metrics, now, doubted=doubted)
    for entry in filter(None, map(board.book.entry, sorted(names))):
        voided = _void(entry, key[0], before, now) if lie is not None else {}
        if voided:
            board.accuracy.failed(key, voided, board.metrics, now, doubted=doubted)
        if entry.round is not None and voided:
            entry.round.voided, entry.round.lie = {**entry.round.voided, **voided}, lie or ""
        elif entry.watched and entry.round is None:
            cause = ledger.Cause(ledger.CANARY_LIE, lie or "", voided) if voided else ledger.NO_CAUSE
            state, made = entry.state, judge(board, entry, now, cause)
            board.accuracy.judge(entry, state, made.verdict, made.situation, names[entry.name], board.metrics)
    return _released(board, key, names)


def drop_lies(board: Board, entry: Entry, current: Round, now: float) -> None:
    """Drop what servers in quarantine said in a visit: it was on its way, or heard, when they were caught lying."""
    for method, item in list(entry.detail.evidence.items()):
        key = trust_key(entry, method, item)
        if not board.trust.quarantined(key, now):
            continue
        row = board.trust.row(key)
        voided = _void(entry, method, row.registered_ok, row.failed_at)
        if voided:
            current.voided, current.lie = {**current.voided, **voided}, row.reason
        if voided and item.at <= row.failed_at:
            board.accuracy.failed(key, voided, board.metrics, now, doubted=canary_disputes.about(board, key))


def unheard(board: Board, probe: Probe, now: float) -> list[str]:
    """A canary will not be answered. Returns the names that waited for it: they go on without it."""
    last = _back(board, probe.key)
    _wildcard_unknown(board, probe, now)
    return _released(board, probe.key, board.waiting.get(probe.key, {})) if last else []


def witness(board: Board, entry: Entry, observation: Observation, now: float) -> None:
    """Remember names that registry and zone both know: the best canaries there are."""
    names = board.witnesses.setdefault(entry.suffix, {})
    evidence = entry.detail.evidence
    registry = [evidence[m] for m in ("rdap", "whois") if m in evidence]
    dns = evidence.get("dns")
    known = [*registry, *([dns] if dns else [])]
    if dns and registry and all(item.observation.reading.outcome is Outcome.REGISTERED for item in known):
        names[entry.name] = now
        if len(names) > WITNESSES:
            del names[min(names, key=lambda name: names[name])]
    elif observation.reading.outcome is not Outcome.REGISTERED:
        names.pop(entry.name, None)


def ask_wildcard(board: Board, suffix: str, now: float) -> bool:
    """Ask, before first use and daily, whether the suffix answers for a random name. True while a first visit has to wait."""
    asked = board.wildcard_asked.get(suffix)
    if asked is None or now - asked > WILDCARD_EVERY:
        board.wildcard_asked[suffix] = asked = now
        key = ("dns", suffix, suffix)
        probe = Probe(key, f"{random_label(board.rng)}.{suffix}", registered=False)
        put(board, probe, now)
    waiting = suffix not in board.wildcards and now - asked < WILDCARD_WAIT and ("dns", suffix, suffix) in board.probing
    return waiting and bool(board.workers.egresses("fast"))


def _released(board: Board, key: Key, names: Iterable[str]) -> list[str]:
    """Let these names wait for a server no more; returns them."""
    released = sorted(names)
    for entry in filter(None, map(board.book.entry, released)):
        entry.awaited.discard(key)
    return released


def _certain(board: Board, probe: Probe, now: float) -> bool:
    """Whether somebody vouches for a canary: the operator, or registry and zone a short while ago."""
    suffix = probe.key[2]
    seen = board.witnesses.get(suffix, {}).get(probe.domain)
    return probe.domain in board.policy.canaries.get(suffix, ()) or (seen is not None and now - seen <= WITNESS_AGE)


def _back(board: Board, key: Key) -> bool:
    """Count a canary as no longer on its way. True if it was the last one of its server."""
    left = board.probing.get(key, 1) - 1
    if left > 0:
        board.probing[key] = left
        return False
    board.probing.pop(key, None)
    return True


def _void(entry: Entry, method: str, since: float, caught_at: float) -> dict[str, Evidence]:
    """Drop what a lying server said after its last good answer, and the passes built on it. Returns what was dropped.

    Where another registry channel denied the name in the last pass too, that pass stands: what it lacks is asked again.
    """
    item = entry.detail.evidence.get(method)
    if item is None or item.at < since or item.observation.reading.outcome is Outcome.REGISTERED:
        return {}
    del entry.detail.evidence[method]
    detail = entry.detail
    denials = _denials(entry)
    last, before = (0.0, 0.0, *detail.passes)[:-3:-1]
    stands = any(before < at <= last for at in denials)
    kept = [at for at in detail.passes if at > caught_at or (stands and at == last)]
    verified = tuple(at for at in detail.verified if at in kept)
    detail.end_run()
    detail.passes, detail.verified = tuple(kept), verified
    if is_registry(method):
        detail.purged_at = min(denials, default=None)
    return {method: item}


def _denials(entry: Entry) -> list[float]:
    """When registry channels denied a name since it was last seen registered, in epoch seconds."""
    seen = entry.detail.registered_seen or 0.0
    return [
        item.at
        for method, item in entry.detail.evidence.items()
        if is_registry(method) and item.observation.reading.outcome is Outcome.UNREGISTERED and item.at >= seen
    ]


def put(board: Board, probe: Probe, now: float, rank: int = URGENT) -> None:
    """Put the question about a canary in its operator's line."""
    method, host, suffix = probe.key
    server = board.server(method, suffix)
    if server is None:
        return
    limit = board.limit(method, host, suffix)
    board.probing[probe.key] = board.probing.get(probe.key, 0) + 1
    board.queue.put(
        Ask(
            method,
            POOL_OF[method],
            probe.domain,
            suffix,
            server,
            limit,
            rank,
            now,
            BUDGET[method],
            probe=probe,
            rate=board.rate(method, limit, now),
        )
    )


def known_names(board: Board, key: Key, but: str) -> tuple[str, ...]:
    """Names known to be registered under a suffix: the operator's first, those lately found registered, the built-in ones."""
    own = tuple(board.policy.canaries.get(key[2], ()))
    seen = sorted(board.witnesses.get(key[2], {}).items(), key=lambda item: -item[1])
    own = tuple(name for name in own if name not in board.retired)
    names = own or tuple(name for name, _ in seen) + tuple(canaries_for(key[2]))
    return tuple(name for name in names if name != but and name not in board.retired)


def _wildcard_unknown(board: Board, probe: Probe, now: float) -> None:
    """Where nothing came of the question about a random name, ask again soon."""
    method, _, suffix = probe.key
    if method == "dns" and not probe.registered and suffix not in board.wildcards:
        board.wildcard_asked[suffix] = now - WILDCARD_EVERY + WILDCARD_AGAIN


def _wildcard_heard(board: Board, suffix: str, observation: Observation) -> bool:
    """Learn whether the suffix answers for a name that nobody registered; true if it does, which is a habit and no lie."""
    reading = observation.reading
    if reading.outcome is Outcome.UNREGISTERED:
        board.wildcards[suffix] = False
    elif reading.outcome is Outcome.REGISTERED or reading.finding == "dns_auth_wildcard":
        board.wildcards[suffix] = True
        board.say("info", "wildcard_suffix", suffix=suffix, reason=reading.reason)
    board.changes.meta["wildcards"] = ",".join(sorted(name for name, wild in board.wildcards.items() if wild))
    return board.wildcards.get(suffix, False)
