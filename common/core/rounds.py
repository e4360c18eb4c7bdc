"""The visit to one name: begin, ask, hear, ask further, end; and the canaries asked along the way."""

from __future__ import annotations

from common.core import announce, assess, ledger
from common.core.board import Board, host_of
from common.core.cadence import next_check
from common.core.domains import BACKGROUND, ORDINARY, PRIORITY, URGENT, Entry, Round
from common.core.escalation import BUDGET, POOL_OF, Channels, next_methods
from common.core.evidence import Observation, Outcome
from common.core.queue import Ask
from common.core.records import Evidence
from common.core.tables.canaries import canaries_for
from common.core.trust import Key, Probe, grade, random_label

#: Tries of one question whose worker was lost, before the round goes on without its answer.
TRIES = 3
#: Names per suffix remembered as lately found registered; they serve as canaries.
WITNESSES = 5
#: Seconds after which a suffix is asked again whether it answers for everything, and how long a first visit waits for that.
WILDCARD_EVERY, WILDCARD_WAIT = 86_400.0, 5.0
#: Seconds after which it is asked again where nothing came of it.
WILDCARD_AGAIN = 60.0
#: How long a name that killed its worker alone is put aside, in seconds.
ASIDE = 3600.0


def begin(board: Board, entry: Entry, now: float, *, manual: bool = False) -> None:
    """Visit a name that is due."""
    if entry.aside_until > now and not manual:
        board.schedule.put(entry, entry.aside_until)
        return
    if _ask_wildcard(board, entry.suffix, now):
        board.schedule.put(entry, now + 0.25)
        return
    confirm = bool(entry.detail.passes) and entry.state not in announce.ANNOUNCED
    entry.round = Round(now, confirm=confirm, manual=manual)
    proceed(board, entry, now)


def proceed(board: Board, entry: Entry, now: float) -> None:
    """Ask what the evidence asks for next; end the round when there is nothing more."""
    current = entry.round
    if current is None:
        return
    while not current.out:
        wanted = next_methods(entry, current, _channels(board, entry, now), now)
        if not wanted:
            finish(board, entry, now)
            return
        for method in wanted:
            current.asked.add(method)
            if _put(board, entry, current, method, now):
                current.out.add(method)


def heard(board: Board, entry: Entry, observation: Observation, now: float) -> None:
    """Take an answer into the evidence and go on."""
    method, outcome = observation.method, observation.reading.outcome
    current = entry.round
    believed = outcome is not Outcome.INVALID or board.trust.green(_key(observation, entry), now)
    if not believed:
        outcome = Outcome.UNKNOWN  # the refusal of a server that never proved itself proves nothing
    changed = entry.note(observation, now, believed=believed)
    assess.learn(entry, method, outcome, now)
    announce.result(board, entry, observation, now, changed=changed)
    _witness(board, entry, observation, now)
    if current is None or method not in current.asked:
        return
    current.out.discard(method)
    current.said[method] = outcome
    proceed(board, entry, now)


def unheard(board: Board, ask: Ask, now: float) -> None:
    """A question will not be answered: its worker is gone for good, or its operator turned it away."""
    if ask.probe is not None:
        _probe_back(board, ask.probe.key)
        return
    entry = ask.entry
    if entry is not None and entry.round is not None:
        entry.round.out.discard(ask.method)
        proceed(board, entry, now)


def lost(board: Board, ask: Ask, worker: str, now: float) -> None:
    """The lease of a question ran out or its worker died: ask again at once, elsewhere if possible."""
    ask.tries += 1
    ask.avoid = worker
    board.metrics.count("leases_lost", method=ask.method)
    if ask.tries >= TRIES:
        unheard(board, ask, now)
    else:
        board.queue.put(ask)


def finish(board: Board, entry: Entry, now: float) -> None:
    """End the round: judge, tell, and plan the next visit."""
    current, entry.round = entry.round, None
    if current is None:
        return
    entry.checked_at = now
    blind = not any(outcome not in (Outcome.UNKNOWN, Outcome.THROTTLED) for outcome in current.said.values())
    entry.detail.unknown_rounds = entry.detail.unknown_rounds + 1 if blind else 0
    passes = len(entry.detail.passes)
    assess.complete_pass(board, entry, current.started, now)
    before, made = entry.state, judge(board, entry, now, _cause(entry, current, passes))
    board.accuracy.judge(entry, before, made.verdict, made.situation, current.started, board.metrics)
    waiting = assess.waits_for(board, entry, now)
    board.gaps.waits(entry.name, [*(key for key, _ in waiting), *_shut_out(board, entry, current, now)], now)
    for key, at in waiting:
        board.waiting.setdefault(key, {})[entry.name] = current.started
        ask_canaries(board, key, entry, at, now)
    board.schedule.put(entry, next_check(entry, board.policy.cadence, now, confirming=_confirming(entry), blind=blind))
    board.touched[entry.name] = entry


def judge(board: Board, entry: Entry, now: float, cause: ledger.Cause = ledger.NO_CAUSE) -> assess.Assessment:
    """Judge the evidence as it stands, tell what changed, and keep what it was decided from."""
    before, alarmed_at, made = entry.state, entry.detail.alarmed_at, assess.assess(board, entry, now)
    told = announce.apply(board, entry, made.verdict, now)
    ledger.note(board, entry, made, before, told, cause, now)
    board.accuracy.told(entry, told, alarmed_at, made.positive, board.metrics, now)
    return made


def _cause(entry: Entry, current: Round, passes: int) -> ledger.Cause:
    """What besides a change of state makes the end of a round worth keeping; `passes`: how many there were before it."""
    if current.voided:
        return ledger.Cause(ledger.CANARY_LIE, current.lie, current.voided)
    contradicted = entry.detail.contradicted_at
    if contradicted is not None and contradicted >= current.started:
        return ledger.Cause(ledger.CONTRADICTED, "a registered answer ended a run of positive passes")
    return ledger.Cause(ledger.PASS) if len(entry.detail.passes) > passes else ledger.NO_CAUSE


def _confirming(entry: Entry) -> bool:
    """Whether a positive waits for its next pass."""
    return bool(entry.detail.passes) and entry.detail.purged_at is not None and entry.state not in announce.ANNOUNCED


def ask_canaries(board: Board, key: Key, entry: Entry, at: float, now: float) -> None:
    """Ask a server what we know the answer to, so that its answer of `at` may count."""
    if key in board.probing or board.trust.quarantined(key, now):
        return
    for probe in board.trust.probes(key, at, _known(board, key, entry.name), now, board.rng):
        server = _server(board, key[0], key[2])
        if server is not None:
            board.probing[key] = board.probing.get(key, 0) + 1
            board.queue.put(_canary(board, probe, server, now))


def canary_heard(board: Board, probe: Probe, observation: Observation, now: float) -> None:
    """A canary answered: believe the server, or void what it said since it was last right."""
    key = probe.key
    last = _probe_back(board, key)
    wild = key[0] == "dns" and not probe.registered and _wildcard_heard(board, key[2], observation, now)
    before = board.trust.row(key).registered_ok
    certain = probe.domain in board.policy.canaries.get(key[2], ()) or probe.domain in board.witnesses.get(key[2], {})
    lie = None if wild else board.trust.answered(probe, observation, now, certain=certain)
    graded = "wildcard" if wild else "lie" if lie else grade(probe, observation.reading.outcome)
    board.metrics.count("canaries", method=key[0], result=graded)
    names = board.waiting.pop(key, {}) if last or lie else {}
    if board.trust.green(key, now):
        board.gaps.proven(key)
    if lie is not None:
        board.metrics.count("quarantines", method=key[0])
        board.say("warning", "server_quarantined", method=key[0], server=key[1], suffix=key[2], reason=lie)
    for entry in [board.entries[name] for name in sorted(names) if name in board.entries]:
        voided = _void(entry, key[0], before) if lie is not None else {}
        board.accuracy.voided(entry.suffix, voided, board.metrics)
        if entry.round is not None and voided:
            entry.round.voided, entry.round.lie = {**entry.round.voided, **voided}, lie or ""
        elif entry.watched and entry.round is None:
            cause = ledger.Cause(ledger.CANARY_LIE, lie or "", voided) if voided else ledger.NO_CAUSE
            state, made = entry.state, judge(board, entry, now, cause)
            board.accuracy.judge(entry, state, made.verdict, made.situation, names[entry.name], board.metrics)


def _probe_back(board: Board, key: Key) -> bool:
    """Count a canary as no longer on its way. True if it was the last one of its server."""
    left = board.probing.get(key, 1) - 1
    if left > 0:
        board.probing[key] = left
        return False
    board.probing.pop(key, None)
    return True


def _void(entry: Entry, method: str, since: float) -> dict[str, Evidence]:
    """Drop what a lying server said after its last good answer, and the passes built on it. Returns what was dropped."""
    item = entry.detail.evidence.get(method)
    if item is None or item.at < since or item.observation.reading.outcome is Outcome.REGISTERED:
        return {}
    del entry.detail.evidence[method]
    entry.detail.passes = ()
    entry.detail.purged_at = None
    return {method: item}


def _channels(board: Board, entry: Entry, now: float) -> Channels:
    def usable(method: str) -> bool:
        server = _server(board, method, entry.suffix)
        return server is not None and not board.trust.quarantined((method, host_of(server), entry.suffix), now)

    return Channels(rdap=usable("rdap"), whois=usable("whois"), wildcard=board.wildcard(entry.suffix))


def _server(board: Board, method: str, suffix: str) -> str | None:
    server = board.server(method, suffix)
    return _referral(board, suffix) if server is None and method == "whois" else server


def _referral(board: Board, suffix: str) -> str | None:
    """For a suffix that nobody in our tables speaks for: "" (ask IANA who does), once a day."""
    if board.directory.rdap_base(suffix) is not None or board.directory.whois_server(suffix) is not None:
        return None
    return "" if suffix not in board.referral_asked else None


def _shut_out(board: Board, entry: Entry, current: Round, now: float) -> list[Key]:
    """Registry servers that were not asked about a name of unknown fate because they are in quarantine."""
    if Outcome.REGISTERED in current.said.values():
        return []
    servers = [(method, board.server(method, entry.suffix)) for method in ("rdap", "whois")]
    keys = [(method, host_of(server), entry.suffix) for method, server in servers if server]
    return [key for key in keys if board.trust.quarantined(key, now)]


def _rank(entry: Entry, current: Round, method: str) -> int:
    if current.confirm or current.manual:
        return URGENT
    if entry.priority:
        return PRIORITY
    known = entry.detail.evidence.get("dns")
    delegated = known is not None and known.observation.reading.outcome is Outcome.REGISTERED
    return BACKGROUND if POOL_OF[method] != "fast" and delegated else ORDINARY


def _put(board: Board, entry: Entry, current: Round, method: str, now: float) -> bool:
    """Queue one question. False where its operator or pool would not answer in reasonable time."""
    server = _server(board, method, entry.suffix)
    if server is None:
        return False
    pool = POOL_OF[method]
    limit = board.limit(method, _payer(board, method, server, entry.suffix), entry.suffix)
    if method == "whois" and not server:
        board.referral_asked[entry.suffix] = now
    rank = _rank(entry, current, method)
    if not board.queue.admits(limit, rank, board.budgets, board.workers.offering(pool, method, now), now):
        board.metrics.count("questions_turned_away", method=method)
        return False
    board.queue.put(
        Ask(method, pool, entry.name, entry.suffix, server, limit, rank, now, BUDGET[method], entry, confirm=current.confirm)
    )
    return True


def _payer(board: Board, method: str, server: str, suffix: str) -> str:
    """The host whose budget a question is paid from."""
    if server:
        return host_of(server)
    return board.policy.iana_host if method == "whois" else suffix


def _canary(board: Board, probe: Probe, server: str, now: float) -> Ask:
    method, host, suffix = probe.key
    limit = board.limit(method, host, suffix)
    return Ask(method, POOL_OF[method], probe.domain, suffix, server, limit, URGENT, now, BUDGET[method], probe=probe)


def _key(observation: Observation, entry: Entry) -> Key:
    return (observation.method, observation.server or entry.suffix, entry.suffix)


def _known(board: Board, key: Key, but: str) -> tuple[str, ...]:
    """Names known to be registered under a suffix: the operator's, those lately found registered, the built-in ones."""
    own = tuple(board.policy.canaries.get(key[2], ()))
    seen = sorted(board.witnesses.get(key[2], {}).items(), key=lambda item: -item[1])
    names = own or tuple(name for name, _ in seen) + tuple(canaries_for(key[2]))
    return tuple(name for name in names if name != but)


def _witness(board: Board, entry: Entry, observation: Observation, now: float) -> None:
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


def _ask_wildcard(board: Board, suffix: str, now: float) -> bool:
    """Ask, before first use and daily, whether the suffix answers for a random name. True while a first visit has to wait."""
    asked = board.wildcard_asked.get(suffix)
    if asked is None or now - asked > WILDCARD_EVERY:
        board.wildcard_asked[suffix] = asked = now
        key = ("dns", suffix, suffix)
        probe = Probe(key, f"{random_label(board.rng)}.{suffix}", registered=False)
        board.probing[key] = board.probing.get(key, 0) + 1
        board.queue.put(_canary(board, probe, "", now))
    waiting = suffix not in board.wildcards and now - asked < WILDCARD_WAIT and ("dns", suffix, suffix) in board.probing
    return waiting and bool(board.workers.egresses("fast"))


def _wildcard_heard(board: Board, suffix: str, observation: Observation, now: float) -> bool:
    """Learn whether the suffix answers for a name that nobody registered; true if it does, which is a habit and no lie."""
    reading = observation.reading
    if reading.outcome is Outcome.UNREGISTERED:
        board.wildcards[suffix] = False
    elif reading.outcome is Outcome.REGISTERED or reading.finding == "dns_auth_wildcard":
        board.wildcards[suffix] = True
        board.say("info", "wildcard_suffix", suffix=suffix, reason=reading.reason)
    elif suffix not in board.wildcards:
        board.wildcard_asked[suffix] = now - WILDCARD_EVERY + WILDCARD_AGAIN
    board.changes.meta["wildcards"] = ",".join(sorted(name for name, wild in board.wildcards.items() if wild))
    return board.wildcards.get(suffix, False)
