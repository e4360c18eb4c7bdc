"""Which server may be trusted for which suffix: each must find a name known to be registered and must not find a random one.

A denial of a server counts only while the server is verified (both canaries right within ten minutes), and only once the
registered canary was found again after it. A failed canary puts the server into quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from msgspec import structs

from common.core.model.channel import ChannelKey, Probe
from common.core.model.evidence import Observation, Outcome
from common.core.model.methods import is_definitive
from common.core.model.records import Canary, TrustRow

#: Seconds for which right canaries verify a server, and for which a lying one is in quarantine (to return it must pass both).
VERIFIED_FOR, QUARANTINE = 600.0, 300.0
#: Most (method, server, suffix) kept, and most canaries of them that were found, or never were.
LIMIT, MOST_CANARIES = 5000, 20_000
#: Stands for the suffix in the record of what a source says of hidden names.
ALL_SUFFIXES = "*"
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def is_verified(row: TrustRow, now: float, window: float = VERIFIED_FOR) -> bool:
    """Whether both canaries of a server were right within `window` seconds and it is not in quarantine."""
    return 0.0 <= now - row.registered_ok <= window and 0.0 <= now - row.free_ok <= window and is_unrefuted(row, now)


def is_unrefuted(row: TrustRow, now: float) -> bool:
    """Whether a server passed both canaries once and failed none since."""
    return now >= row.quarantined_until and row.failed_at < min(row.registered_ok, row.free_ok)


def is_verified_after(row: TrustRow, at: float, now: float, window: float = VERIFIED_FOR) -> bool:
    """Whether a server is verified and found a registered name again after its answer at `at` (epoch seconds)."""
    return is_verified(row, now, window) and row.registered_ok >= at


def last_right_at(row: TrustRow) -> float:
    """Since when what a server said is in doubt once it fails a canary, in epoch seconds.

    That it found a known name is proof for all before; a source that creates names may call everything taken, so of that both
    canaries had to be right.
    """
    return min(row.registered_ok, row.free_ok) if is_definitive(row.method) else row.registered_ok


def grade_answer(probe: Probe, outcome: Outcome) -> str:
    """Grade an answer to a canary: ok, wrong, or unanswered where it says nothing.

    A source that creates names must offer a random one at list price, and must not offer one that is registered.
    """
    if is_definitive(probe.key.method) and outcome not in (Outcome.UNKNOWN, Outcome.THROTTLED):
        offered = outcome is Outcome.UNREGISTERED or (probe.registered and outcome is Outcome.PREMIUM)
        return "wrong" if offered is probe.registered else "ok"
    if outcome not in (Outcome.REGISTERED, Outcome.UNREGISTERED, Outcome.RESERVED, Outcome.INVALID):
        return "unanswered"
    return "ok" if (outcome is Outcome.REGISTERED) is probe.registered else "wrong"


def random_label(rng: Random) -> str:
    """A label of twenty characters that is surely not registered; starts with a letter, no hyphens."""
    return "q" + "".join(rng.choice(_ALPHABET) for _ in range(19))


class Trust:
    """The canary state of every (method, server, suffix)."""

    def __init__(self) -> None:
        self._rows: dict[ChannelKey, TrustRow] = {}
        self._changed: set[ChannelKey] = set()
        self._turn: dict[ChannelKey, int] = {}
        self._canary: dict[ChannelKey, Canary] = {}  # the last one handed out: thousands of names share it
        self._found: dict[tuple[ChannelKey, str], None] = {}  # canaries that a server found once, those found last at the end
        self._never_found: dict[tuple[ChannelKey, str], None] = {}  # canaries that it never found: they may not be registered

    def restore_rows(self, rows: Iterable[TrustRow], now: float) -> None:
        """Take over what the store holds at the time `now`: what is said to have been later was never."""
        for row in rows:
            self._rows[ChannelKey(row.method, row.server, row.suffix)] = _cut_future(row, now)

    def take_changed(self) -> list[TrustRow]:
        """The records that changed and are to be written; they count as written."""
        changed, self._changed = self._changed, set()
        return [self.row_of(key) for key in changed]

    def row_of(self, key: ChannelKey) -> TrustRow:
        """The record of one server for one suffix; of a new server an empty one is added."""
        if key not in self._rows:
            if len(self._rows) >= LIMIT:
                oldest = min(self._rows, key=lambda item: max(self._rows[item].registered_ok, self._rows[item].failed_at))
                del self._rows[oldest]
                self._turn.pop(oldest, None)
            self._rows[key] = TrustRow(*key)
        return self._rows[key]

    def find_row(self, key: ChannelKey) -> TrustRow | None:
        """The record of one server for one suffix, if it was ever queried; None where it answers from the zone."""
        return None if self.answers_from_zone(key) else self._rows.get(key)

    def answers_from_zone(self, key: ChannelKey) -> bool:
        """Whether a source last offered a name that is registered but not in the zone: then nothing it says is proven.

        Names in the zone and random ones, its other canaries, cannot show that.
        """
        row = self._rows.get(_hidden_key(key))
        return row is not None and row.failed_at > 0.0

    def is_left_out(self, key: ChannelKey, now: float) -> bool:
        """Whether a server must not be asked about names: it was caught lying, or it answers from the zone."""
        return self.is_distrusted(key, now) or self.answers_from_zone(key)

    def hidden_asked_at(self, key: ChannelKey) -> float:
        """When a source last answered about a name that is registered but not in the zone, in epoch seconds; 0 for never."""
        row = self._rows.get(_hidden_key(key))
        return max(row.registered_ok, row.failed_at) if row is not None else 0.0

    def note_hidden_answer(self, probe: Probe, observation: Observation, now: float) -> str | None:
        """Note the answer about a name that is registered but not in the zone. A sentence where the source offers it."""
        graded = grade_answer(probe, observation.reading.outcome)
        if graded == "unanswered":
            return None
        key = _hidden_key(probe.key)
        row = self.row_of(key)
        self._changed.add(key)
        if graded == "ok":
            row.registered_ok, row.failed_at, row.reason = now, 0.0, ""
            return None
        row.registered_ok, row.failed_at = 0.0, now
        row.reason = f"{key.server} offers {probe.domain}, which is registered and not in the zone"[:300]
        return row.reason

    def all_rows(self) -> list[TrustRow]:
        """Every record, in no order."""
        return list(self._rows.values())

    def is_verified(self, key: ChannelKey, now: float) -> bool:
        """Whether both canaries of a server were right within VERIFIED_FOR and it is not in quarantine."""
        row = self._rows.get(key)
        return row is not None and is_verified(row, now)

    def is_verified_after(self, key: ChannelKey, at: float, now: float, window: float = VERIFIED_FOR) -> bool:
        """Whether a server is verified and found a registered name again after its answer at `at` (epoch seconds)."""
        row = self.find_row(key)
        return row is not None and is_verified_after(row, at, now, window)

    def lacks_canary(self, key: ChannelKey, at: float, now: float, window: float = VERIFIED_FOR) -> bool:
        """Whether an answer at `at` (epoch seconds) waits for canaries of its server; not where none could prove it."""
        return not self.is_verified_after(key, at, now, window) and not self.answers_from_zone(key)

    def end_quarantine(self, key: ChannelKey) -> None:
        """End the quarantine of a server whose canary was gone. It has to pass both canaries again."""
        row = self.row_of(key)
        row.quarantined_until, row.reason = 0.0, ""
        self._changed.add(key)

    def is_quarantined(self, key: ChannelKey, now: float) -> bool:
        """Whether a server was caught lying less than QUARANTINE seconds ago."""
        row = self._rows.get(key)
        return row is not None and now < row.quarantined_until

    def is_distrusted(self, key: ChannelKey, now: float) -> bool:
        """Whether a server was caught lying and has not passed both canaries since: it is left out until it does."""
        row = self._rows.get(key)
        return row is not None and (now < row.quarantined_until or (row.reason != "" and not is_unrefuted(row, now)))

    def canary_of(self, key: ChannelKey, now: float) -> Canary:
        """The canaries of a server as they stand, for the record of an answer."""
        row = self._rows.get(key)
        stands = Canary(row.registered_ok, row.free_ok, is_verified(row, now)) if row is not None else Canary()
        last = self._canary.get(key)
        if last == stands:
            return last
        if len(self._canary) >= LIMIT:
            self._canary.clear()
        self._canary[key] = stands
        return stands

    def find_probes(
        self,
        key: ChannelKey,
        positive_at: float,
        known: tuple[str, ...],
        now: float,
        rng: Random,
        *,
        window: float = VERIFIED_FOR,
    ) -> list[Probe]:
        """The canaries to query so that a denial given at `positive_at` may count. `known` are names known to be registered.

        A canary older than `window` seconds is queried anew.
        """
        row = self.row_of(key)
        wanted = []
        known = tuple(name for name in known if (key, name) not in self._never_found) or known
        stale = now - row.registered_ok > window or row.failed_at >= row.registered_ok
        if known and (stale or row.registered_ok < positive_at):
            turn = self._turn.get(key, 0)
            wanted.append(Probe(key, known[turn % len(known)], registered=True))
        if now - row.free_ok > window or row.failed_at >= row.free_ok:
            wanted.append(Probe(key, f"{random_label(rng)}.{key.suffix}", registered=False))
        return wanted

    def note_answer(self, probe: Probe, observation: Observation, now: float, *, certain: bool = False) -> str | None:
        """Note the answer to a canary. Returns a sentence when the server was caught lying; an error says nothing.

        `certain`: the canary is surely registered. Otherwise one that this server never found proves nothing against it: it may
        not be registered. It is not queried again.
        """
        graded = grade_answer(probe, observation.reading.outcome)
        if graded == "unanswered":
            self._turn[probe.key] = self._turn.get(probe.key, 0) + 1
            return None
        row = self.row_of(probe.key)
        self._changed.add(probe.key)
        if graded == "ok" and probe.registered:
            row.registered_ok = now
            _remember_canary(self._found, probe)
            return None
        if graded == "ok":
            row.free_ok = now
            return None
        self._turn[probe.key] = self._turn.get(probe.key, 0) + 1
        if probe.registered and not certain and (probe.key, probe.domain) not in self._found:
            _remember_canary(self._never_found, probe)
            return None
        row.failed_at = now
        row.quarantined_until = now + QUARANTINE
        lie = "does not find" if probe.registered else "finds"
        row.reason = f"{probe.key.server} {lie} {probe.domain} ({observation.reading.reason})"[:300]
        return row.reason


def _hidden_key(key: ChannelKey) -> ChannelKey:
    """Under which it is kept what a source says of hidden names: where its answers come from is the same for every suffix."""
    return ChannelKey(key.method, key.server, ALL_SUFFIXES)


def _remember_canary(canaries: dict[tuple[ChannelKey, str], None], probe: Probe) -> None:
    """Note a canary as the newest of these; the oldest makes room."""
    key = (probe.key, probe.domain)
    canaries.pop(key, None)
    canaries[key] = None
    if len(canaries) > MOST_CANARIES:
        del canaries[next(iter(canaries))]


def _cut_future(row: TrustRow, now: float) -> TrustRow:
    """The record of a server without times from the future: the clock was ahead when they were noted."""
    times = {name: 0.0 for name in ("registered_ok", "free_ok", "failed_at") if getattr(row, name) > now}
    if row.quarantined_until > now + QUARANTINE:
        times["quarantined_until"] = 0.0
    return structs.replace(row, **times)


def canary_window(fresh: float) -> float:
    """Seconds for which right canaries verify a server where a positive may be `fresh` seconds old; more for slow ones."""
    return max(VERIFIED_FOR, 2 * fresh)
