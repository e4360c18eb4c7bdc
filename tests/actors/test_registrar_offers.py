"""Asking registrars about names: several in a call, within the budgets, each name with an answer or a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from actors.cli.registrar_offers import EGRESS, RegistrarOffers
from common.clock import monotonic, now
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.rate_limits.budgets import Budgets
from common.core.registries.operators import limit_for
from common.core.registries.sources import Source
from common.errors import NotAsked
from common.messages import Task

GANDI, PORKBUN = "registrar:gandi", "registrar:porkbun"
FREE = Reading(Outcome.UNREGISTERED, "registrar_available_live", "it can be created")
NAMES = {f"n{number}.com": "com" for number in range(5)}
FAST = {"*": Limit("*", 1000.0, 1000)}


class Registrar:
    """A checker that answers at once, or fails on demand; keeps the tasks of each call."""

    batch = 20

    def __init__(self, method: str = GANDI, reading: Reading = FREE, error: Exception | None = None) -> None:
        self.method = method
        self.calls: list[list[Task]] = []
        self.closed = False
        self.gate = asyncio.Event()
        self.gate.set()
        self._reading = reading
        self._error = error

    async def check(self, task: Task) -> Observation:
        """One name."""
        return (await self.check_batch([task]))[0]

    async def check_batch(self, tasks: Sequence[Task]) -> list[Observation]:
        """All of them."""
        self.calls.append(list(tasks))
        await self.gate.wait()
        if self._error is not None:
            raise self._error
        return [Observation(self.method, self._reading, server=task.domain, duration_ms=1.0) for task in tasks]

    async def close(self) -> None:
        """Remember it."""
        self.closed = True


def source(method: str = GANDI, batch: int = 1, **fields: object) -> Source:
    """A configured registrar."""
    return Source(method=method, url="https://api.example", batch=batch, **fields)  # type: ignore[arg-type]  # of the test


def ask(
    registrar: Registrar,
    configured: Source,
    *,
    limits: dict[str, Limit] | None = None,
    seconds: float = 5.0,
    budgets: Budgets | None = None,
) -> RegistrarOffers:
    """Ask one registrar about all names."""
    offers = RegistrarOffers([configured], {registrar.method: registrar}, budgets or Budgets(), limits or FAST)
    offers.expect(NAMES)
    asyncio.run(offers.ask_all(monotonic() + seconds))
    return offers


def reasons(offers: RegistrarOffers, method: str = GANDI) -> list[str]:
    """Why each name has no answer, "" where it has one."""
    return [offers.answers_about(name)[method].reason for name in NAMES]


def test_names_share_calls_as_far_as_the_registrar_takes_them() -> None:
    """Two calls for five names of which one carries three, in their order; each answer is about its name."""
    registrar = Registrar()
    began = now()
    offers = ask(registrar, source(batch=3))

    assert [[task.domain for task in call] for call in registrar.calls] == [
        ["n0.com", "n1.com", "n2.com"],
        ["n3.com", "n4.com"],
    ]
    for name in NAMES:
        answered = offers.answers_about(name)[GANDI]
        assert answered.observation is not None
        assert answered.observation.server == name
        assert began <= answered.at <= now()
        assert offers.is_done(name)


def test_a_task_says_what_a_worker_would_be_told() -> None:
    """Method, suffix, base URL and the time budget of a registrar, each with a number of its own."""
    registrar = Registrar()
    ask(registrar, source(batch=5), seconds=500.0)
    tasks = registrar.calls[0]

    assert {(task.method, task.suffix, task.server, task.budget_ms) for task in tasks} == {
        (GANDI, "com", "https://api.example", 20_000)
    }
    assert len({task.attempt for task in tasks}) == len({task.seq for task in tasks}) == 5


def test_a_call_costs_one_token() -> None:
    """Whatever the number of names in it: the day's count says how many there were."""
    budgets = Budgets()
    ask(Registrar(), source(batch=3), limits={"registrar/gandi": Limit("registrar/gandi", 500.0, 500, 10)}, budgets=budgets)

    (row,) = budgets.snapshot(now())
    assert (row["operator"], row["egress"], row["used_today"]) == ("registrar/gandi", EGRESS, 2)


def test_calls_wait_for_their_tokens() -> None:
    """Five calls at twenty a second, the first at once."""
    registrar = Registrar()
    began = monotonic()
    offers = ask(registrar, source(), limits={"*": Limit("*", 20.0, 1)})

    assert 0.15 <= monotonic() - began < 2.0
    assert len(registrar.calls) == 5
    assert reasons(offers) == [""] * 5


def test_what_does_not_fit_into_the_time_has_a_reason_at_once() -> None:
    """Nothing waits for a token that comes too late."""
    began = monotonic()
    offers = ask(Registrar(), source(batch=2), limits={"*": Limit("*", 0.01, 1)})

    assert monotonic() - began < 2.0
    assert reasons(offers)[:2] == ["", ""]
    assert all(reason.startswith("the rate limit lets the next call through in 2 min") for reason in reasons(offers)[2:])
    assert all(offers.is_done(name) for name in NAMES)


@pytest.mark.parametrize(
    ("configured", "limit", "said"),
    [
        (source(PORKBUN), Limit("x", 0.1, 1), "porkbun: 1 name in 10 s, about 2 of 5 fit"),
        (source(PORKBUN, batch=2), Limit("x", 0.1, 0), "porkbun: 2 names in 10 s, about 1 of 5 fit"),
        (source(PORKBUN), Limit("x", 10.0, 1, 4), "porkbun: 1 name in 1 s, about 4 of 5 fit"),
        (source(PORKBUN), Limit("x", 0.1, 4), ""),
        (source(PORKBUN, batch=3), Limit("x", 0.1, 1), ""),
        (source(PORKBUN, batch=3, one_suffix=True), Limit("x", 0.1, 1), ""),
        (source(PORKBUN, suffixes=("de",)), Limit("x", 0.1, 0), ""),
        (source(PORKBUN), Limit("x", 0.0, 0), ""),
    ],
)
def test_a_registrar_that_is_too_slow_is_told_beforehand(configured: Source, limit: Limit, said: str) -> None:
    """From its limit, for ten seconds: what a call carries, the burst and the day's quota count."""
    offers = RegistrarOffers([configured], {PORKBUN: Registrar(PORKBUN)}, Budgets(), {"registrar/*": limit})
    offers.expect(NAMES)

    assert offers.forecast_shortfall(10.0) == said


def test_names_of_several_suffixes_take_more_calls_where_one_takes_one_suffix() -> None:
    """Three names of three suffixes are three calls; all slow registrars stand in one line."""
    sources = [source(PORKBUN, batch=3, one_suffix=True), source(GANDI)]
    checkers = {method: Registrar(method) for method in (PORKBUN, GANDI)}
    offers = RegistrarOffers(sources, checkers, Budgets(), {"registrar/*": Limit("x", 0.1, 1)})
    offers.expect({"a.com": "com", "a.de": "de", "a.uk": "uk"})

    assert offers.forecast_shortfall(10.0) == (
        "porkbun: 3 names in 10 s, about 2 of 3 fit; gandi: 1 name in 10 s, about 2 of 3 fit"
    )


def test_a_rate_of_zero_switches_a_registrar_off() -> None:
    """Nothing is sent, and the setting is named."""
    registrar = Registrar()
    offers = ask(registrar, source(), limits={"registrar/*": Limit("registrar/*", 0.0, 0)})

    assert registrar.calls == []
    assert set(reasons(offers)) == {"switched off by a rate of 0 in BUDGETS_FILE"}


def test_a_registrar_that_limits_us_is_left_alone() -> None:
    """After the first complaint nothing more is sent; the reason is told."""
    throttled = Reading(Outcome.THROTTLED, "registrar_throttled", "slow down", retry_after=600.0)
    registrar = Registrar(reading=throttled)
    offers = ask(registrar, source(batch=2))

    assert len(registrar.calls) == 1
    assert reasons(offers)[2:] == ["left alone for 10 min, because throttled: slow down"] * 3


def test_a_registrar_that_is_too_slow_is_not_waited_for() -> None:
    """Its answer is unknown after the time budget."""

    async def story() -> Observation | None:
        registrar = Registrar()
        registrar.gate.clear()
        offers = RegistrarOffers([source(batch=5)], {GANDI: registrar}, Budgets(), FAST)
        offers.expect(NAMES)
        await offers.ask_all(monotonic() + 1.1)
        return offers.answers_about("n0.com")[GANDI].observation

    seen = asyncio.run(story())
    assert seen is not None
    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "registrar_timeout")


def test_what_was_not_sent_costs_nothing() -> None:
    """The token goes back, and the reason is ours."""
    budgets = Budgets()
    limits = {"registrar/gandi": Limit("registrar/gandi", 500.0, 500, 10)}
    offers = ask(Registrar(error=NotAsked("too many at once")), source(batch=5), limits=limits, budgets=budgets)

    assert reasons(offers) == ["too many at once"] * 5
    assert budgets.snapshot(now())[0]["used_today"] == 0


def test_a_registrar_is_asked_about_its_suffixes_alone() -> None:
    """Where it is known which these are."""
    registrar = Registrar()
    offers = ask(registrar, source(suffixes=("de",)))

    assert registrar.calls == []
    assert set(reasons(offers)) == {"not asked about .com"}


def test_registrars_do_not_wait_for_each_other() -> None:
    """One that hangs leaves the others' answers alone; a name is done once all of them are."""

    async def story() -> None:
        slow, quick = Registrar(), Registrar(PORKBUN)
        slow.gate.clear()
        sources = [source(batch=5), source(PORKBUN, batch=5)]
        offers = RegistrarOffers(sources, {GANDI: slow, PORKBUN: quick}, Budgets(), FAST)
        offers.expect(NAMES)
        running = asyncio.create_task(offers.ask_all(monotonic() + 20))
        answered = await offers.wait_answer(PORKBUN, "n0.com")
        assert answered.observation is not None
        assert not offers.is_done("n0.com")
        assert offers.answers_about("n0.com")[GANDI].reason == "the time was up"
        slow.gate.set()
        await offers.wait_done("n0.com")
        assert offers.is_done("n0.com")
        await running

    asyncio.run(story())


def test_a_mistake_in_an_adapter_ends_all_waiting_and_is_raised() -> None:
    """A bug is no answer, and nothing hangs because of it."""

    async def story() -> None:
        offers = RegistrarOffers([source()], {GANDI: Registrar(error=RuntimeError("a bug"))}, Budgets(), FAST)
        offers.expect(NAMES)
        running = asyncio.create_task(offers.ask_all(monotonic() + 20))
        await offers.wait_done("n4.com")
        assert (await offers.wait_answer(GANDI, "n4.com")).reason == "the time was up"
        with pytest.raises(RuntimeError, match="a bug"):
            await running

    asyncio.run(story())


def test_what_cannot_be_asked_is_no_registrar() -> None:
    """A source without a checker, and a checker of one name at a time, are left out."""

    class Single:
        method = GANDI

    offers = RegistrarOffers([source(), source(PORKBUN)], {GANDI: Single()}, Budgets(), FAST)  # type: ignore[dict-item]  # on purpose

    assert offers.sources == {}


# -- the core's share ----------------------------------------------------------------------------------------------------


def task(name: str, seq: int = 1, *, confirm: bool = False, milliseconds: int = 5000) -> Task:
    """A task of the core."""
    return Task(f"a.{seq}", seq, GANDI, name, "com", "https://api.example", milliseconds, confirm)


@pytest.mark.parametrize("confirm", [False, True])
def test_the_core_gets_the_answer_that_the_price_was_read_from(confirm: bool) -> None:
    """Once; a second pass is a call of its own."""

    async def story() -> int:
        registrar = Registrar()
        offers = RegistrarOffers([source(batch=5)], {GANDI: registrar}, Budgets(), FAST)
        offers.expect(NAMES)
        shared = offers.shared_checkers()[GANDI]
        await offers.ask_all(monotonic() + 5)
        seen = await shared.check(task("n1.com", confirm=confirm))
        assert seen.server == "n1.com"
        before = len(registrar.calls)
        await shared.check(task("n1.com", 2))
        await shared.check(task("n1.com", 3))
        assert len(registrar.calls) - before == (2 if not confirm else 1)
        await shared.close()
        assert registrar.closed
        return before

    assert asyncio.run(story()) == (2 if confirm else 1)


def test_canaries_are_calls_of_their_own_beside_shared_answers() -> None:
    """One call for what has no answer yet; the order of the tasks is kept."""

    async def story() -> None:
        registrar = Registrar()
        offers = RegistrarOffers([source(batch=5)], {GANDI: registrar}, Budgets(), FAST)
        offers.expect(NAMES)
        await offers.ask_all(monotonic() + 5)
        shared = offers.shared_checkers()[GANDI]
        seen = await shared.check_batch([task("canary.com", 1), task("n2.com", 2), task("q7.com", 3)])  # type: ignore[attr-defined]  # BatchChecker
        assert [one.server for one in seen] == ["canary.com", "n2.com", "q7.com"]
        assert [one.domain for one in registrar.calls[-1]] == ["canary.com", "q7.com"]

    asyncio.run(story())


def test_a_name_without_an_answer_is_asked_for_by_the_core() -> None:
    """Its own token pays for the call."""

    async def story() -> None:
        registrar = Registrar()
        limits = {"registrar/gandi": Limit("registrar/gandi", 0.01, 1)}
        offers = RegistrarOffers([source()], {GANDI: registrar}, Budgets(), limits)
        offers.expect(NAMES)
        await offers.ask_all(monotonic() + 2)
        seen = await offers.shared_checkers()[GANDI].check(task("n4.com"))
        assert seen.server == "n4.com"
        assert [call[0].domain for call in registrar.calls] == ["n0.com", "n4.com"]

    asyncio.run(story())


def test_an_answer_that_is_still_to_come_is_waited_for_half_of_the_time() -> None:
    """Then the task goes back: no server is blamed."""

    async def story() -> None:
        registrar = Registrar()
        registrar.gate.clear()
        offers = RegistrarOffers([source(batch=5)], {GANDI: registrar}, Budgets(), FAST)
        offers.expect(NAMES)
        running = asyncio.create_task(offers.ask_all(monotonic() + 20))
        shared = offers.shared_checkers()[GANDI]
        with pytest.raises(NotAsked, match="no turn"):
            await shared.check(task("n0.com", milliseconds=100))
        registrar.gate.set()
        assert (await shared.check(task("n0.com"))).server == "n0.com"
        await running
        assert len(registrar.calls) == 1

    asyncio.run(story())


def test_what_registrars_answer_shrinks_the_budget_that_the_core_uses() -> None:
    """Both take their tokens from one place."""
    budgets = Budgets()
    refused = unknown_reading("registrar_refused", "key refused")
    ask(Registrar(reading=refused), source(batch=5), budgets=budgets)
    limit = limit_for("registrar", "gandi", FAST)

    assert [row["operator"] for row in budgets.snapshot(now())] == [limit.operator]
