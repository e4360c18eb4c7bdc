"""Track which methods, worker pools and callback endpoints answer at all: for each the current run of failures.

Every answer is noted here. It tells nothing about single servers, which `common.core.channels` tracks, but whether anything
answers.
"""

from __future__ import annotations

from collections import defaultdict

from msgspec import Struct, field

from common.core.model.evidence import Outcome

#: An outage of everything: so many answers in a row that prove nothing, over so many seconds. A burst of lost packets is
#: shorter, and an inconclusive name is checked again after 15 and 30 seconds, so that one name gets there in a minute or two.
OUTAGE, OUTAGE_SPAN = 5, 30.0
#: The same for one method while others answer: a rate limit of one operator, or a server that restarts, is over by then.
SILENT, SILENT_SPAN = 10, 300.0
#: Most different places kept of a run of failures: two tell one server that is down from all of them.
PLACES = 2
#: Methods that query registries and name servers. A web page says nothing about whether those can be reached.
REGISTRY = ("dns", "rdap", "whois")
_NOTHING = (Outcome.UNKNOWN, Outcome.THROTTLED)


class FailureRun(Struct, kw_only=True):
    """Attempts in a row without success. Times in epoch seconds, 0 for never."""

    good_at: float = 0.0
    since: float = 0.0  # the first failure after the last success
    at: float = 0.0  # the last failure
    count: int = 0
    reason: str = ""
    places: set[str] = field(default_factory=set)

    def note_success(self, now: float) -> None:
        """Note that one attempt succeeded at `now` (epoch seconds), which ends the run."""
        self.good_at = now
        self.clear_failures()

    def clear_failures(self) -> None:
        """Begin a new run, as if nothing had failed."""
        self.since, self.at, self.count, self.reason = 0.0, 0.0, 0, ""
        self.places.clear()

    def note_failures(self, reason: str, now: float, count: int = 1, place: str = "") -> None:
        """Note that `count` attempts failed together, at `now` (epoch seconds) in one place."""
        if len(self.places) < PLACES:
            self.places.add(place)
        self.since = self.since or now
        self.at, self.reason = now, reason
        self.count += count

    def has_lasted(self, count: int, seconds: float, places: int = 1) -> bool:
        """Whether at least `count` failed in a row, over so many seconds and in so many places (of `PLACES` at most)."""
        return self.count >= count and self.at - self.since >= seconds and len(self.places) >= min(places, PLACES)


class Reach:
    """The runs of failures of all methods, pools and callbacks. `asked_at`: when the last query left, in epoch seconds."""

    def __init__(self) -> None:
        self.asked_at = 0.0
        self.all = FailureRun()
        self._failed: set[str] = set()  # methods in its present run
        self.methods: dict[str, FailureRun] = defaultdict(FailureRun)
        self.pools: dict[str, FailureRun] = defaultdict(FailureRun)
        self.posts = FailureRun()

    def note_answer(self, method: str, said: tuple[Outcome, str], where: tuple[str, str], now: float, count: int = 1) -> None:
        """Note an answer, or all of a sweep: `said` is (outcome, finding), `where` is (server, suffix).

        An answer that proves nothing is no success, whatever it says. The first success after an outage of everything ends the
        runs of all methods, because they had one cause.
        """
        if method not in REGISTRY:
            return
        (outcome, finding), (server, suffix) = said, where
        if outcome in _NOTHING:
            self._failed.add(method)
            self.all.note_failures(finding, now, count, suffix)
            self.methods[method].note_failures(finding, now, count, server or suffix)
            return
        if self.is_outage(2, 1):
            for run in self.methods.values():
                run.clear_failures()
        self._failed.clear()
        self.all.note_success(now)
        self.methods[method].note_success(now)

    def is_outage(self, methods: int, places: int) -> bool:
        """Whether nothing outside answers, of so many methods and places (suffixes) that are in use.

        One method alone says nothing about the others: where DNS is silent, registries are queried before this is an outage.
        """
        return self.all.has_lasted(OUTAGE, OUTAGE_SPAN, places) and len(self._failed) >= min(2, methods)

    def note_worker_answer(self, pool: str, now: float) -> None:
        """Note that a worker of this pool answered."""
        self.pools[pool].note_success(now)

    def note_worker_timeout(self, pool: str, now: float) -> None:
        """Note that a connected worker of this pool did not answer in time."""
        self.pools[pool].note_failures("", now)

    def note_callback(self, status: int, now: float) -> None:
        """Note the HTTP status of the callback endpoint, 0 for no answer."""
        if 200 <= status < 300:
            self.posts.note_success(now)
        else:
            self.posts.note_failures(f"it answers {status}" if status else "it cannot be reached", now)
