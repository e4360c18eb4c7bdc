"""The visit to one name: begin, ask, hear, ask further, end."""

from __future__ import annotations

from collections.abc import Iterable

from common.core.audit import ledger
from common.core.channels.channel_health import OWED
from common.core.checks import unanswered, window_pace
from common.core.checks.conclude import judge
from common.core.checks.escalation import BUDGET, POOL_OF, Channels, next_methods
from common.core.coordinator.board import Board, host_of
from common.core.lifecycle.forecast import ENDING
from common.core.model.entry import BACKGROUND, NEWS, ORDINARY, PRIORITY, URGENT, Entry, Round
from common.core.model.evidence import Observation, Outcome
from common.core.outbox import announce
from common.core.rate_limits.query_queue import Ask
from common.core.schedule.cadence import may_drop, next_check
from common.core.telemetry.error_kinds import NOT_ANSWERED
from common.core.trust import canaries, early_canaries
from common.core.trust.server_trust import Key
from common.core.verdict import assess
from common.core.verdict.likelihoods import REGISTRY_METHODS
from common.core.verdict.verdicts import ANNOUNCED, OWNED, State

#: Tries of one question whose worker was lost, before the round goes on without its answer.
TRIES = 3
#: Seconds after which the channels of a name on its way out are compared again, where the first answer proved nothing.
COMPARE_EVERY = 3600.0
#: How long a name that killed its worker alone is put aside, in seconds.
ASIDE = 3600.0


def begin(board: Board, entry: Entry, now: float, *, manual: bool = False, due: float = 0.0) -> None:
    """Visit a name that was due at `due` (epoch seconds; 0: somebody asks for it now)."""
    if entry.aside_until > now and not manual:
        board.book.plan(entry, entry.aside_until)
        return
    if canaries.ask_wildcard(board, entry.suffix, now):
        board.book.plan(entry, now + 0.25)
        return
    entry.round = Round(now, confirm=_confirms(entry), manual=manual, due=due)
    proceed(board, entry, now)


def _confirms(entry: Entry) -> bool:
    """Whether the next visit is another pass of an alarm that is not told yet."""
    return bool(entry.detail.passes) and entry.state not in ANNOUNCED


def go_on(board: Board, entry: Entry, observation: Observation, now: float, by: str = "") -> None:
    """Visit a name about which a sweep, asked by that worker, has something new to tell.

    Its DNS answer is the first of the visit; another pass of an alarm asks for one of its own.
    """
    if entry.aside_until > now:
        board.book.plan(entry, entry.aside_until)
        return
    if _confirms(entry):
        heard(board, entry, observation, now, by)
        begin(board, entry, now)
        return
    entry.round = Round(now, asked={observation.method})
    heard(board, entry, observation, now, by)


def registry_room(board: Board, suffix: str, rank: int, now: float) -> int | None:
    """How many names of a sweep the line of the suffix's registry takes: of the channel that a visit would ask, its RDAP first.

    0 where none can be asked now, None where there is none.
    """
    room = None
    for method in ("rdap", "whois"):
        server = _server(board, method, suffix, now)
        if server is None or board.trust.distrusted((method, host_of(server), suffix), now):
            continue
        limit = board.limit(method, _payer(board, method, server, suffix), suffix)
        egresses = board.workers.offering(POOL_OF[method], method, now)
        if board.queue.admits(limit, rank, board.budgets, egresses, now):
            return board.queue.room_for_sweeps(limit, rank, board.budgets, egresses, now)
        room = 0
    return room


def held_up(board: Board, suffix: str, now: float) -> bool:
    """Whether the line that a routine visit under this suffix gets into first is full: it had better not begin yet.

    Where the operator turns everybody away the visit goes on without its answer, so there is nothing to wait for.
    """
    methods = ("rdap", "whois") if board.wildcard(suffix) else ("dns",)
    for method in methods:
        server = _server(board, method, suffix, now)
        if server is None or board.trust.distrusted((method, host_of(server), suffix), now):
            continue
        limit = board.limit(method, _payer(board, method, server, suffix), suffix)
        egresses = board.workers.offering(POOL_OF[method], method, now)
        return board.queue.room(limit, ORDINARY) <= 0 and board.queue.admits(limit, ORDINARY, board.budgets, egresses, now)
    return False


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


def heard(board: Board, entry: Entry, observation: Observation, now: float, by: str = "") -> None:
    """Take an answer, which that worker got, into the evidence and go on."""
    method, outcome = observation.method, observation.reading.outcome
    current = entry.round
    believed = outcome is not Outcome.INVALID or board.trust.green(_key(observation, entry), now)
    if not believed:
        outcome = Outcome.UNKNOWN  # the refusal of a server that never proved itself proves nothing, so let it prove itself
        canaries.ask(board, _key(observation, entry), entry.name, now, now)
    changed = entry.note(observation, now, believed=believed, by=by)
    assess.learn(entry, method, outcome, now)
    announce.result(board, entry, observation, now, changed=changed)
    canaries.witness(board, entry, observation, now)
    if current is None or method not in current.asked:
        return
    current.out.discard(method)
    current.said[method] = outcome
    if entry.state is State.UNKNOWN and outcome is Outcome.REGISTERED:
        judge(board, entry, now)  # the zone has spoken; the registry's line may be long
    proceed(board, entry, now)


def unheard(board: Board, ask: Ask, now: float) -> None:
    """A question will not be answered: its worker is gone for good, or its operator turned it away."""
    if ask.method == "whois" and not ask.server and not ask.sent:
        board.referrals.forget_query(ask.suffix)
    if ask.probe is not None:
        resume(board, canaries.unheard(board, ask.probe, now), now)
        return
    entry = ask.entry
    if entry is not None and entry.round is not None and not ask.aside:
        entry.round.out.discard(ask.method)
        proceed(board, entry, now)


def lost(board: Board, ask: Ask, worker: str, now: float) -> None:
    """The lease of a question ran out or its worker died: ask again at once, elsewhere if possible."""
    ask.tries += 1
    ask.avoid = worker
    board.metrics.count("leases_lost", method=ask.method)
    why = f"the worker that had the question was lost, {ask.tries} of {TRIES} times"
    unanswered.note(board, ask, why, now, finding=NOT_ANSWERED)
    if ask.tries >= TRIES or ask.aside:
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
    if Outcome.REGISTERED not in current.said.values():
        unanswered.left_out(board, entry, current.asked, now)
    canaries.drop_lies(board, entry, current, now)
    passes = len(entry.detail.passes)
    assess.complete_pass(board, entry, current.started, now)
    before, made = entry.state, judge(board, entry, now, _cause(entry, current, passes))
    since = _run_began(entry, current)
    board.accuracy.judge(entry, before, made.verdict, made.situation, since, board.metrics)
    waiting = assess.waits_for(board, entry, now)
    left_out = _left_out(board, entry, current, now)
    board.gaps.waits(entry.name, [*(key for key, _ in waiting), *left_out], now)
    canaries.await_servers(board, entry, waiting, since, now)
    for key in left_out:
        canaries.ask(board, key, entry.name, now, now)
    canaries.look_out(board, entry, current, now)
    early_canaries.keep_verified(board, entry, now)
    _compare_channels(board, entry, current, now)
    _plan(board, entry, now, blind=blind)
    board.touched[entry.name] = entry


def end_waiting(board: Board, now: float) -> None:
    """End checks in which the registry denies a name while nothing comes from the other channels: the pass goes without them.

    Their answers are evidence whenever they come.
    """
    for entry in list(board.book.in_hand.values()):
        current = entry.round
        if current is None or Outcome.UNREGISTERED not in map(current.said.get, REGISTRY_METHODS):
            continue
        unwaited = _too_slow(board, entry, now)
        since = (current.started if method in unwaited else current.sent.get(method, now) for method in current.out)
        if all(now - at > OWED for at in since):
            current.out.clear()
            finish(board, entry, now)


def _compare_channels(board: Board, entry: Entry, current: Round, now: float) -> None:
    """Ask the other registry channel about a name on its way out, once in its phase: perhaps it does not show such names.

    Nothing waits for the answer. Without it a registry that hides names in redemption from WHOIS would seem to have dropped one
    as soon as its RDAP falls silent.
    """
    detail = entry.detail
    if entry.phase not in ENDING or now - entry.compared_at < COMPARE_EVERY or detail.phase_since is None:
        return
    shown = [method for method, said in current.said.items() if said is Outcome.REGISTERED and method in REGISTRY_METHODS]
    for method, key in assess.registry_channels(board, entry.suffix) if shown else ():
        known = detail.evidence.get(method)
        if method in current.asked or (known is not None and known.at >= detail.phase_since) or _rests(board, method, key, now):
            continue
        entry.compared_at = now
        _put(board, entry, current, method, now, aside=True)


def resume(board: Board, names: Iterable[str], now: float) -> None:
    """Go on with names for which a canary answered, or never will, once their next pass need not wait for any other."""
    for entry in filter(None, map(board.book.entry, names)):
        waits = bool(entry.awaited) and confirming(entry)
        if entry.watched and entry.round is None and not waits:
            _plan(board, entry, now, blind=False)
            board.touched[entry.name] = entry


def _plan(board: Board, entry: Entry, now: float, *, blind: bool) -> None:
    """Plan the next check. While a canary is all that a pass lacks nothing is asked anew: its answer would be replaced."""
    stretch = window_pace.stretch(board, entry, now)
    at = next_check(entry, board.policy.cadence, now, confirming=confirming(entry), blind=blind, stretch=stretch)
    if entry.awaited and confirming(entry):
        at = max(at, now + canaries.patience(board, entry, now))
    board.book.plan(entry, at)


def _cause(entry: Entry, current: Round, passes: int) -> ledger.Cause:
    """What besides a change of state makes the end of a round worth keeping; `passes`: how many there were before it."""
    if current.voided:
        return ledger.Cause(ledger.CANARY_LIE, current.lie, current.voided)
    contradicted = entry.detail.contradicted_at
    if contradicted is not None and contradicted >= current.started:
        return ledger.Cause(ledger.CONTRADICTED, "a registered answer ended a run of positive passes")
    news = len(entry.detail.passes) > passes and entry.state not in ANNOUNCED
    return ledger.Cause(ledger.PASS) if news else ledger.NO_CAUSE


def _run_began(entry: Entry, current: Round) -> float:
    """Since when answers belong to what this check ends, in epoch seconds: a confirming pass does not ask everything anew."""
    purged = entry.detail.purged_at
    return min(purged, current.started) if current.confirm and purged is not None else current.started


def confirming(entry: Entry) -> bool:
    """Whether a positive waits for its next pass; where the calendar holds the name back it waits for the end of that."""
    held = entry.state is State.DROPPING and entry.held_until is not None
    settled = entry.state in ANNOUNCED or held
    return bool(entry.detail.passes) and entry.detail.purged_at is not None and not settled


def _channels(board: Board, entry: Entry, now: float) -> Channels:
    def usable(method: str) -> bool:
        server = _server(board, method, entry.suffix, now)
        return server is not None and not board.trust.distrusted((method, host_of(server), entry.suffix), now)

    channels = assess.registry_channels(board, entry.suffix)
    resting = {method for method, key in channels if _rests(board, method, key, now)}
    zone = ("dns", entry.suffix, entry.suffix)
    dead = board.channels.dead(zone, now) and board.channels.resting(zone, now)
    if dead or (board.channels.health(zone).silent and not board.has_token("dns", entry.suffix, now)):
        resting.add("dns")  # one bad moment does not leave it out of a pass: it is the second source of many suffixes
    return Channels(
        rdap=usable("rdap"),
        whois=usable("whois"),
        wildcard=board.wildcard(entry.suffix),
        resting=frozenset(resting),
        slow=frozenset(_too_slow(board, entry, now)),
    )


def _rests(board: Board, method: str, key: Key, now: float) -> bool:
    """Whether a channel is left alone: it is dead, it was silent of late, or it is silent and would have to be waited for.

    A canary finds out whether a dead one is back (`early_canaries`), not a drop.
    """
    silent = board.channels.health(key).silent > 0
    waits = silent and not board.has_token(method, key[2], now)
    return waits or board.channels.resting(key, now) or board.dead(key, now)


def _too_slow(board: Board, entry: Entry, now: float) -> set[str]:
    """The registry methods that are too slow for an alarm to wait for, where another one is quick enough.

    About a name never seen registered the slow one may be the one that would say "reserved": there it is asked.
    """
    conditions, _ = assess.registry_conditions(board, entry.suffix, now)
    if not conditions or entry.detail.registered_seen is None:
        return set()
    waited_for = {condition.method for condition in conditions}
    return {method for method, _ in assess.registry_channels(board, entry.suffix) if method not in waited_for}


def _server(board: Board, method: str, suffix: str, now: float) -> str | None:
    server = board.server(method, suffix)
    return _referral(board, suffix, now) if server is None and method == "whois" else server


def _referral(board: Board, suffix: str, now: float) -> str | None:
    """For a suffix that nobody in our tables speaks for: "" (ask IANA who does), once a day."""
    if board.directory.rdap_server(suffix) is not None or board.directory.whois_server(suffix) is not None:
        return None
    return "" if board.referrals.may_query(suffix, now) else None


def _left_out(board: Board, entry: Entry, current: Round, now: float) -> list[Key]:
    """Registry servers that were not asked about a name of unknown fate: they lied, and did not prove themselves since."""
    if Outcome.REGISTERED in current.said.values():
        return []
    servers = [(method, board.server(method, entry.suffix)) for method in ("rdap", "whois")]
    keys = [(method, host_of(server), entry.suffix) for method, server in servers if server]
    return [key for key in keys if board.trust.distrusted(key, now)]


def _rank(entry: Entry, current: Round, method: str) -> int:
    if current.confirm or current.manual:
        return URGENT
    if entry.priority:
        return PRIORITY
    if current.said.get("dns") is Outcome.UNREGISTERED and entry.state in OWNED:
        return NEWS
    known = entry.detail.evidence.get("dns")
    delegated = known is not None and known.observation.reading.outcome is Outcome.REGISTERED
    return BACKGROUND if POOL_OF[method] != "fast" and delegated else ORDINARY


def _dropping(entry: Entry, current: Round, now: float) -> bool:
    """Whether a name may drop at any moment, or one registry channel says that it did."""
    gone = Outcome.UNREGISTERED in current.said.values() or entry.detail.purged_at is not None
    return may_drop(entry, now) or (gone and entry.state in OWNED)


def _put(board: Board, entry: Entry, current: Round, method: str, now: float, *, aside: bool = False) -> bool:
    """Queue one question. False where its operator or pool would not answer in reasonable time.

    `aside`: nothing waits for the answer, so it goes behind all others.
    """
    server = _server(board, method, entry.suffix, now)
    if server is None:
        return False
    pool = POOL_OF[method]
    limit = board.limit(method, _payer(board, method, server, entry.suffix), entry.suffix)
    rank, egresses = BACKGROUND if aside else _rank(entry, current, method), board.workers.offering(pool, method, now)
    if not aside and rank > NEWS and _dropping(entry, current, now):
        rank = NEWS if board.queue.room_for_sweeps(limit, NEWS, board.budgets, egresses, now) > 0 else rank
    full = method != "dns" and not board.queue.room(limit, rank)  # a visit begins where DNS has room: `held_up`
    if full or not board.queue.admits(limit, rank, board.budgets, egresses, now):
        unanswered.turned_away(board, entry, method, server, limit, egresses, now)
        return False
    if method == "whois" and not server:
        board.referrals.note_query(entry.suffix, now)
    board.queue.put(
        Ask(
            method,
            pool,
            entry.name,
            entry.suffix,
            server,
            limit,
            rank,
            now,
            BUDGET[method],
            entry,
            confirm=current.confirm,
            rate=board.rate(method, limit, now),
            aside=aside,
        )
    )
    return True


def _payer(board: Board, method: str, server: str, suffix: str) -> str:
    """The host whose budget a question is paid from."""
    if server:
        return host_of(server)
    return board.policy.iana_host if method == "whois" else suffix


def _key(observation: Observation, entry: Entry) -> Key:
    return (observation.method, observation.server or entry.suffix, entry.suffix)
