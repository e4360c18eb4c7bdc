"""The contract of every registrar's adapter, against its emulator: a new adapter is tested before it has tests of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from decimal import Decimal

import pytest

from actors.checkers.contract import Context
from actors.checkers.discovery import discover
from actors.checkers.registrar_adapter import RegistrarAdapter, is_configured
from common.config import TABLE, load
from common.core.builtin.registrars import BY_VENDOR, REGISTRARS, Proof, Registrar
from common.core.model.evidence import Observation, Outcome, Quota
from common.core.model.methods import is_registrar
from common.core.parsers.registrar import PARSERS
from common.errors import ClientError, ConfigError
from common.messages import Task
from common.sources import missing_settings
from tests.lab.faults import Words
from tests.lab.lab import Lab
from tests.lab.registrars.emulator import ORDINARY, Emulator, find_emulators
from tests.lab.truth import Truth

METHODS = {method: create for method, create in discover("actors.checkers.intermediate").items() if is_registrar(method)}
VENDORS = [method.partition(":")[2] for method in METHODS]
NEITHER = (Outcome.UNKNOWN, Outcome.THROTTLED)
#: What an API can do wrong; whatever it is, nothing follows from it about the name.
TROUBLE = (
    *("garbage", "empty", "truncate", "reset", "oversize", "gzip-bomb", "deep-json", "200-html"),
    *("400", "401", "403-html", "429", "429-retry-after", "500", "503", "redirect-loop", "redirect-metadata"),
    *("error-credentials", "error-throttled", "error-malformed", "error-other", "wrong-name"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A lab, the adapter of one registrar, and its emulator."""

    lab: Lab
    adapter: RegistrarAdapter
    emulator: Emulator


def play(vendor: str, scene: Callable[[Stage], Awaitable[None]]) -> None:
    """Run a scene with one adapter and its emulator."""

    async def main() -> None:
        async with Lab.start() as lab:
            lab.registrars.enable(vendor)
            adapter = make_adapter(lab, vendor)
            try:
                await scene(Stage(lab, adapter, lab.registrars.emulators[vendor]))
            finally:
                await adapter.close()

    asyncio.run(main())


def make_adapter(lab: Lab, vendor: str) -> RegistrarAdapter:
    """The adapter of a vendor, as the loader makes it, with the settings of a lab."""
    environ = {**lab.environment(), "STATE_DIR": str(lab.directory / "state")}
    checker = METHODS[f"registrar:{vendor}"](Context(load(environ), time.time, time.monotonic))
    assert isinstance(checker, RegistrarAdapter)
    return checker


def task(vendor: str, name: str = "brand-new.com", *, milliseconds: int = 5000, seq: int = 1) -> Task:
    """A task about a name. The server that it names is not where keys may go."""
    return Task(f"b.{seq}", seq, f"registrar:{vendor}", name, "com", "https://127.0.0.9:9", budget_ms=milliseconds)


def is_hint(vendor: str) -> bool:
    """Whether "available" of a vendor never proves anything."""
    return BY_VENDOR[vendor].proof is Proof.HINT


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Every vendor that has an adapter."""
    return str(request.param)


@pytest.mark.parametrize(
    ("place", "there"),
    [
        ("actors/checkers/intermediate/registrar", VENDORS),
        ("PARSERS of common/core/parsers/registrar.py", PARSERS),
        ("tests/lab/registrars", find_emulators()),
    ],
)
def test_every_registrar_has_row_parser_adapter_and_emulator(place: str, there: Collection[str]) -> None:
    """What is listed is there, and what is there is listed."""
    listed = {row.vendor for row in REGISTRARS}

    missing = sorted(listed - set(there))
    assert not missing, f"missing in {place}: {', '.join(missing)}"
    unlisted = sorted(set(there) - listed)
    assert not unlisted, f"in {place}, but without a row in common/core/builtin/registrars.py: {', '.join(unlisted)}"


def test_every_registrar_has_its_settings() -> None:
    """Those that it needs and those that it takes."""
    missing = sorted({name for row in REGISTRARS for name in (*row.needs, *row.takes)} - TABLE.keys())

    assert not missing, f"missing in common/source_settings.py: {', '.join(missing)}"


def test_a_part_that_is_missing_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file that lacks it, whether or not the registrar is configured."""
    context = Context(load({}), time.time, time.monotonic)
    row = Registrar(vendor="x", title="X", url="https://x.example", needs=("X_TOKEN",), terms="any")

    with pytest.raises(ConfigError, match=r"gandi2: add its row to REGISTRARS in common/core/builtin/registrars\.py"):
        is_configured(context, "gandi2")
    monkeypatch.delitem(PARSERS, "gandi")
    with pytest.raises(ConfigError, match=r"gandi: add its parser to PARSERS in common/core/parsers/registrar\.py"):
        METHODS["registrar:gandi"](context)
    with pytest.raises(ConfigError, match=r"x needs X_TOKEN: add it to SourceSettings in common/source_settings\.py"):
        missing_settings(context.settings, row)


def test_a_free_name_is_found_free_with_its_price(vendor: str) -> None:
    """The price is exact, in its currency; the answer says where and how it was got."""

    async def scene(stage: Stage) -> None:
        seen = await stage.adapter.check(task(vendor))

        reading = seen.reading
        assert reading.outcome is Outcome.UNREGISTERED, reading
        assert reading.finding == ("registrar_available_cached" if is_hint(vendor) else "registrar_available_live")
        assert (seen.method, seen.status, seen.server) == (
            f"registrar:{vendor}",
            200,
            stage.adapter.url.partition("//")[2].split(":")[0],
        )
        assert seen.address.endswith("/tcp")
        assert seen.digest
        if reading.offer is not None and reading.offer.price is not None:
            assert isinstance(reading.offer.price, Decimal)
            assert (reading.offer.price, reading.offer.currency) == (ORDINARY, "USD")
            assert reading.offer.premium is not True
        assert stage.emulator.calls == [("brand-new.com",)]

    play(vendor, scene)


def test_a_taken_name_is_not_found_free(vendor: str) -> None:
    """Registered, and nothing that could be bought as new."""

    async def scene(stage: Stage) -> None:
        stage.lab.registry.register("taken.com")
        seen = await stage.adapter.check(task(vendor, "taken.com"))

        assert seen.reading.outcome in (Outcome.UNAVAILABLE, Outcome.REGISTERED), seen.reading

    play(vendor, scene)


def test_a_call_whose_answer_names_nothing_carries_one_name(vendor: str) -> None:
    """Else nothing would tell the answers apart."""
    assert find_emulators()[vendor].repeats_names or BY_VENDOR[vendor].batch == 1


@pytest.mark.parametrize("truth", [Truth.RESERVED, Truth.BLOCKED, Truth.PREMIUM, Truth.DROPZONE])
def test_what_is_held_back_is_never_found_free(vendor: str, truth: Truth) -> None:
    """A premium name is no ordinary one; a vendor that cannot tell says that it is unavailable."""

    async def scene(stage: Stage) -> None:
        stage.lab.registry.withhold("held.com", truth)
        seen = await stage.adapter.check(task(vendor, "held.com"))

        assert seen.reading.outcome is not Outcome.UNREGISTERED, seen.reading
        if truth is not Truth.PREMIUM:
            assert seen.reading.outcome is not Outcome.PREMIUM

    play(vendor, scene)


def test_a_suffix_that_is_not_sold_says_nothing_about_the_name(vendor: str) -> None:
    """It is never taken for registered; a vendor that cannot tell says that it is unavailable."""

    async def scene(stage: Stage) -> None:
        stage.emulator.unsold.add("com")
        seen = await stage.adapter.check(task(vendor))

        assert seen.reading.outcome in (Outcome.UNKNOWN, Outcome.UNAVAILABLE), seen.reading

    play(vendor, scene)


@pytest.mark.parametrize("kind", TROUBLE)
def test_trouble_proves_nothing(vendor: str, kind: str) -> None:
    """Neither taken nor free, in time, with a reason; and no key shows."""

    async def scene(stage: Stage) -> None:
        stage.lab.registry.register("taken.com")
        untold = kind == "wrong-name" and not stage.emulator.repeats_names
        stage.lab.faults.add(f"registrar/{vendor}", "partial" if untold else kind)
        names = ["taken.com", "brand-new.com"][: stage.adapter.batch]
        seen = await stage.adapter.check_batch([task(vendor, name, seq=number) for number, name in enumerate(names, 1)])

        assert [one.reading.outcome in NEITHER for one in seen] == [True] * len(names), [one.reading for one in seen]
        assert all(one.reading.reason for one in seen)
        assert_no_key(seen, stage.lab)

    play(vendor, scene)


@pytest.mark.parametrize("kind", ["401", "error-credentials"])
def test_a_refused_key_is_told_as_such(vendor: str, kind: str) -> None:
    """So that the source can be switched off with a reason, also where the vendor hides the refusal in a status of 200."""

    async def scene(stage: Stage) -> None:
        stage.lab.faults.add(f"registrar/{vendor}", kind)
        seen = await stage.adapter.check(task(vendor))

        assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "registrar_refused"), seen.reading

    play(vendor, scene)


def test_wrong_keys_are_refused_by_the_emulator_and_told(vendor: str) -> None:
    """An emulator that accepts any login would prove nothing."""

    async def scene(stage: Stage) -> None:
        wrong = {name: f"wrong{value[5:]}" for name, value in stage.emulator.credentials.items()}
        environ = {**stage.lab.environment(), **wrong, "STATE_DIR": str(stage.lab.directory / "state")}
        if "NAMECHEAP_CLIENT_IP" in wrong:
            environ["NAMECHEAP_CLIENT_IP"] = stage.emulator.credentials["NAMECHEAP_CLIENT_IP"]
        other = METHODS[f"registrar:{vendor}"](Context(load(environ), time.time, time.monotonic))
        assert other is not None
        try:
            seen = await other.check(task(vendor))
        finally:
            await other.close()

        assert seen.reading.outcome is Outcome.UNKNOWN
        assert stage.emulator.calls == []

    play(vendor, scene)


def test_a_limit_is_told_with_its_wait(vendor: str) -> None:
    """`Retry-After` of a 429 reaches the budget."""

    async def scene(stage: Stage) -> None:
        stage.lab.faults.add(f"registrar/{vendor}", "429-retry-after", delay=30)
        seen = await stage.adapter.check(task(vendor))

        assert (seen.reading.outcome, seen.reading.retry_after) == (Outcome.THROTTLED, 30.0)

    play(vendor, scene)


def test_a_limit_that_is_stated_reaches_the_observation(vendor: str) -> None:
    """In the fields of the answer, where no call is left."""

    async def scene(stage: Stage) -> None:
        fields = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}
        words = Words("{}", status=400, headers={"Content-Type": "application/json", **fields})
        stage.lab.faults.add(f"registrar/{vendor}", "says", words=words)

        assert (await stage.adapter.check(task(vendor))).quota == Quota(wait=30.0)

    play(vendor, scene)


def test_the_vendors_own_words_for_a_limit_are_understood(vendor: str) -> None:
    """Also where they come with a status of 200."""

    async def scene(stage: Stage) -> None:
        stage.lab.faults.add(f"registrar/{vendor}", "error-throttled")
        seen = await stage.adapter.check(task(vendor))

        assert seen.reading.outcome is Outcome.THROTTLED, seen.reading

    play(vendor, scene)


@pytest.mark.parametrize("kind", ["silence", "drip", "delay"])
def test_the_time_budget_holds(vendor: str, kind: str) -> None:
    """Whatever the server does with the connection."""

    async def scene(stage: Stage) -> None:
        stage.lab.faults.add(f"registrar/{vendor}", kind, delay=30)
        began = time.monotonic()
        seen = await stage.adapter.check(task(vendor, milliseconds=700))

        assert time.monotonic() - began < 3
        assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "registrar_timeout")

    play(vendor, scene)


def test_a_cancelled_check_leaves_nothing_behind(vendor: str) -> None:
    """The next check is answered as if nothing had been."""

    async def scene(stage: Stage) -> None:
        fault = stage.lab.faults.add(f"registrar/{vendor}", "silence")
        running = asyncio.create_task(stage.adapter.check(task(vendor)))
        await stage.lab.queries.wait_for(f"registrar/{vendor}")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        stage.lab.faults.end(fault)

        assert (await stage.adapter.check(task(vendor))).reading.outcome is Outcome.UNREGISTERED

    play(vendor, scene)


def test_several_names_are_told_apart_in_one_call(vendor: str) -> None:
    """Whatever the order of the answer, each name gets its own, and a name that is no name costs nothing."""

    async def scene(stage: Stage) -> None:
        count = stage.adapter.batch
        for number in range(0, count, 2):
            stage.lab.registry.register(f"n{number}.com")
        tasks = [task(vendor, f"n{number}.com", seq=number + 1) for number in range(count)]
        seen = await stage.adapter.check_batch(tasks)

        free = [one.reading.outcome is Outcome.UNREGISTERED for one in seen]
        assert free == [bool(number % 2) for number in range(count)], [one.reading for one in seen]
        assert [len(call) for call in stage.emulator.calls] == [count]

    play(vendor, scene)


def test_a_name_that_is_missing_from_the_answer_is_unknown(vendor: str) -> None:
    """The others count."""

    async def scene(stage: Stage) -> None:
        stage.lab.faults.add(f"registrar/{vendor}", "partial")
        names = [f"n{number}.com" for number in range(min(4, stage.adapter.batch))]
        seen = await stage.adapter.check_batch([task(vendor, name, seq=number) for number, name in enumerate(names, 1)])

        outcomes = [one.reading.outcome for one in seen]
        half = len(names) // 2
        assert outcomes.count(Outcome.UNREGISTERED) == half, [one.reading for one in seen]
        assert outcomes.count(Outcome.UNKNOWN) == len(names) - half

    play(vendor, scene)


def test_a_lie_reads_like_the_truth(vendor: str) -> None:
    """No adapter can tell: canaries have to. The emulator can lie for those who test that."""

    async def scene(stage: Stage) -> None:
        stage.lab.registry.register("taken.com")
        stage.lab.faults.add(f"registrar/{vendor}", "lying-free", names=["taken.com"])
        seen = await stage.adapter.check(task(vendor, "taken.com"))

        assert seen.reading.outcome is Outcome.UNREGISTERED

    play(vendor, scene)


def test_a_server_that_is_not_there_is_told(vendor: str) -> None:
    """Nothing listens at the base URL."""

    async def scene(stage: Stage) -> None:
        stage.adapter.url = "https://127.0.0.1:1"
        seen = await stage.adapter.check(task(vendor))

        assert (seen.reading.outcome, seen.refused) == (Outcome.UNKNOWN, True)
        assert_no_key([seen], stage.lab)

    play(vendor, scene)


def test_an_address_that_is_not_public_is_not_asked(vendor: str) -> None:
    """Keys do not go into the operator's own network because a URL was set wrongly."""

    async def scene(stage: Stage) -> None:
        stage.adapter.url = "https://169.254.169.254"
        seen = await stage.adapter.check(task(vendor, milliseconds=1500))

        assert seen.reading.finding in ("registrar_refused_address", "registrar_timeout", "registrar_unreachable")
        with pytest.raises(ClientError):
            await stage.adapter.send(stage.adapter.build_call(["brand-new.com"]), time.monotonic() + 1)

    play(vendor, scene)


def test_an_adapter_without_its_settings_is_not_there(vendor: str, tmp_path: object) -> None:
    """Nothing is asked of a registrar for which no key is set."""
    settings = load({"STATE_DIR": str(tmp_path)})

    assert METHODS[f"registrar:{vendor}"](Context(settings, time.time, time.monotonic)) is None


def assert_no_key(seen: list[Observation], lab: Lab) -> None:
    """No credential stands in anything that an observation carries."""
    shown = repr(seen)
    for secret in lab.registrars.secrets():
        assert secret not in shown
