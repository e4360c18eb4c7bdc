"""What single registrars ask for in their calls: keys in queries, one call at a time, larger batches."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import pytest

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import RegistrarAdapter
from common.config import load
from common.core.model.evidence import Outcome
from tests.checkers.test_registrar_contract import METHODS, task
from tests.lab.lab import Lab

#: A key whose spelling in a query is another one.
ODD = "Lab/Key+9f=&31"
IN_QUERY = {"namesilo": "NAMESILO_API_KEY", "dynadot": "DYNADOT_API_KEY", "whoisxml": "WHOISXML_API_KEY"}


def play(vendor: str, scene: Callable[[Lab, RegistrarAdapter], Awaitable[None]], **settings: str) -> None:
    """Run a scene with one adapter and its lab; `settings` win over those of the lab."""

    async def main() -> None:
        async with Lab.start() as lab:
            lab.registrars.enable(vendor)
            environ = {**lab.environment(), "STATE_DIR": str(lab.directory / "state"), **settings}
            adapter = METHODS[f"registrar:{vendor}"](Context(load(environ), time.time, time.monotonic))
            assert isinstance(adapter, RegistrarAdapter)
            try:
                await scene(lab, adapter)
            finally:
                await adapter.close()

    asyncio.run(main())


@pytest.mark.parametrize("vendor", IN_QUERY)
@pytest.mark.parametrize("shown", [ODD, quote(ODD, safe="")])
def test_a_key_that_a_vendor_repeats_is_not_shown(vendor: str, shown: str) -> None:
    """As it was set, and as it stood in the query."""

    async def scene(lab: Lab, adapter: RegistrarAdapter) -> None:
        text = f"Invalid Key {shown}"
        reply = {"reply": {"code": 110, "detail": text}, "Response": {"ResponseCode": "-1", "Error": text}}
        words = {"text": json.dumps({**reply, "code": 403, "messages": text})}
        lab.faults.add(f"registrar/{vendor}", "says", words=words)
        seen = await adapter.check(task(vendor))

        assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "registrar_refused")
        assert "Invalid Key ***" in seen.reading.reason
        assert "Invalid Key ***" in seen.excerpt
        assert shown not in repr(seen)

    play(vendor, scene, **{IN_QUERY[vendor]: ODD})


@pytest.mark.parametrize("vendor", ["namecheap", "domainr"])
def test_a_key_is_in_no_url_where_it_need_not_be(vendor: str) -> None:
    """URLs are what servers on the way write down."""

    async def scene(lab: Lab, adapter: RegistrarAdapter) -> None:
        path = adapter.build_call(["brand-new.com"]).path

        assert not [secret for secret in lab.registrars.secrets() if secret in path]

    play(vendor, scene)


@pytest.mark.parametrize("vendor", ["namesilo", "dynadot"])
def test_one_call_waits_for_the_other(vendor: str) -> None:
    """These vendors refuse a second one while the first is under way."""

    async def scene(lab: Lab, adapter: RegistrarAdapter) -> None:
        lab.faults.add(f"registrar/{vendor}", "delay", count=1, delay=0.2)
        seen = await asyncio.gather(*(adapter.check(task(vendor, f"n{number}.com")) for number in range(3)))

        assert [one.reading.outcome for one in seen] == [Outcome.UNREGISTERED] * 3
        assert adapter.at_once == lab.registrars.emulators[vendor].at_once

    play(vendor, scene)


def test_bulk_accounts_of_dynadot_ask_for_many_names_at_once() -> None:
    """As many as the setting says."""

    async def scene(lab: Lab, adapter: RegistrarAdapter) -> None:
        lab.registry.register("n1.com")
        names = [f"n{number}.com" for number in range(adapter.batch)]
        seen = await adapter.check_batch([task("dynadot", name, seq=number) for number, name in enumerate(names, 1)])

        taken = [name for name, one in zip(names, seen, strict=True) if one.reading.outcome is not Outcome.UNREGISTERED]
        assert taken == ["n1.com"]
        assert lab.registrars.emulators["dynadot"].calls == [tuple(names)]
        assert len(names) == 100

    play("dynadot", scene, DYNADOT_BATCH="100")


@pytest.mark.parametrize(("settings", "part"), [({}, "/apibatch/"), ({"REGISTRAR_SANDBOX": "namesilo"}, "/api/")])
def test_namesilo_has_a_path_for_programs(settings: dict[str, str], part: str) -> None:
    """Which its sandbox has not."""

    async def scene(_lab: Lab, adapter: RegistrarAdapter) -> None:
        assert adapter.build_call(["a.com", "b.com"]).path.startswith(f"{part}checkRegisterAvailability?version=1&type=json&")
        assert (await adapter.check(task("namesilo"))).reading.outcome is Outcome.UNREGISTERED

    play("namesilo", scene, **settings)


@pytest.mark.parametrize(("length", "calls"), [(20, [200]), (55, [100, 100])])
def test_a_call_of_namesilo_fits_into_a_url(length: int, calls: list[int]) -> None:
    """So many names in one where they are short enough."""

    async def scene(lab: Lab, adapter: RegistrarAdapter) -> None:
        names = [f"{number:03}".ljust(length, "x") + ".com" for number in range(adapter.batch)]
        lab.registry.register(names[-1])
        seen = await adapter.check_batch([task("namesilo", name, seq=number) for number, name in enumerate(names, 1)])

        assert [len(call) for call in lab.registrars.emulators["namesilo"].calls] == calls
        assert [one.reading.outcome is Outcome.UNREGISTERED for one in seen] == [True] * 199 + [False]

    play("namesilo", scene)
