"""The lab as a whole: its settings, its control API, its counters, its web servers, its story and its verdicts."""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.lab import net, story
from tests.lab.customer import Received
from tests.lab.faults import FaultError, FaultTable
from tests.lab.lab import Lab
from tests.lab.model import Registry
from tests.lab.queries import QueryLog
from tests.lab.scoring import score
from tests.lab.story import Alarm
from tests.lab.suffixes import SUFFIXES
from tests.lab.truth import Truth, TruthLog
from tests.lab_tests.asking import Rdap, dns_of, in_lab, whois_of


async def _call(lab: Lab, method: str, path: str, **body: object) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{lab.control_url}{path}", json=body or None) as answer,
    ):
        return answer.status, await answer.json()


def test_the_settings_point_at_the_lab_and_nowhere_else() -> None:
    """Every address in them is on loopback, every file exists, every operator has a budget."""

    async def body(lab: Lab) -> None:
        settings = lab.environment()
        for name in ("RDAP_BOOTSTRAP_URL", "DOMAIN_API_URL", "API_CALLBACK_URL"):
            assert ipaddress.ip_address(urlsplit(settings[name]).hostname or "").is_loopback
        files = {name: Path(settings[name]) for name in settings if name.endswith("_FILE")}
        assert all(path.is_file() for path in files.values())
        whois, budgets = json.loads(files["WHOIS_SERVERS_FILE"].read_text()), json.loads(files["BUDGETS_FILE"].read_text())
        assert set(whois) == set(SUFFIXES) == set(json.loads(files["CANARIES_FILE"].read_text()))
        assert all(server.partition(":")[0] in budgets for server in whois.values())
        assert all(f"dns/{suffix}" in budgets for suffix in SUFFIXES)

    in_lab(body)


def test_canaries_are_registered_on_every_channel() -> None:
    """DNS, RDAP and WHOIS agree about the names that are known to be registered."""

    async def body(lab: Lab) -> None:
        async with Rdap(lab) as rdap:
            for label, suffix in SUFFIXES.items():
                name = f"canary-one.{label}"
                assert (await dns_of(lab, label, name)).authority[0].name.to_text() == f"{name}."
                assert "lab-hosting" in (await whois_of(lab, label, name)).lower()
                assert not suffix.rdap or (await rdap.get(label, name))[0] == 200

    in_lab(body)


def test_two_labs_live_side_by_side() -> None:
    """Ports are found, not fixed."""

    async def body(lab: Lab) -> None:
        async with Lab.start() as other:
            other.registry.register("only-there.com")
            assert other.dns_port != lab.dns_port
            assert (await dns_of(other, "com", "only-there.com")).rcode() == 0
            assert (await dns_of(lab, "com", "only-there.com")).rcode() == 3

    in_lab(body)


def test_names_are_changed_over_http() -> None:
    """An operation takes its arguments from the body; the truth comes back; nonsense is refused with the reason."""

    async def body(lab: Lab) -> None:
        created = await _call(lab, "POST", "/names/example.com/register", registrar="Somebody", years=2)
        await _call(lab, "POST", "/names/example.com/hold")
        held = lab.registry.names["example.com"].held
        await _call(lab, "POST", "/names/example.com/unhold")
        purged = await _call(lab, "POST", "/names/example.com/purge")
        status, truth = await _call(lab, "GET", "/truth?name=example.com")

        assert created == (200, {"name": "example.com", "truth": "registered"})
        assert held
        assert purged[1]["truth"] == "unregistered"
        assert (status, truth["truth"], [change["deed"] for change in truth["changes"]]) == (
            200,
            "unregistered",
            ["register", "hold", "unhold", "purge"],
        )
        for path, arguments in (
            ("/names/example.com/explode", {}),
            ("/names/example.com/purge", {}),
            ("/names/other.com/register", {"colour": "red"}),
        ):
            refused, answer = await _call(lab, "POST", path, **arguments)
            assert (refused, bool(answer["error"])) == (400, True)

    in_lab(body)


def test_faults_clock_and_list_are_set_over_http() -> None:
    """What is set shows in the state, and in the servers."""

    async def body(lab: Lab) -> None:
        set_fault = await _call(lab, "POST", "/faults", server="dns/com", fault="servfail", seconds=60, names=["a.com"])
        unknown = await _call(lab, "POST", "/faults", server="dns/com", fault="403-html")
        broken = (await dns_of(lab, "com", "a.com")).rcode()
        cleared = await _call(lab, "DELETE", "/faults?server=dns/com")
        clock = await _call(lab, "POST", "/clock", now=2_000_000_000, speed=60)
        await _call(lab, "POST", "/watch", domains=["a.com", "b.com"], priority=["b.com"])
        status, state = await _call(lab, "GET", "/state")

        assert (set_fault[0], unknown[0], broken) == (201, 400, 2)
        assert cleared == (200, {"cleared": 1})
        assert clock[1]["speed"] == 60
        assert status == 200
        assert state["clock"]["now"] >= 2_000_000_000
        assert state["watch"] == {"a.com": False, "b.com": True}
        assert state["faults"] == []

    in_lab(body)


def test_questions_are_counted_per_server_and_name() -> None:
    """Totals, times and peaks, for every protocol."""

    async def body(lab: Lab) -> None:
        for _ in range(3):
            await dns_of(lab, "com", "example.com")
        await whois_of(lab, "org", "example.org")
        status, counted = await _call(lab, "GET", "/queries?server=dns/com")

        assert status == 200
        assert counted["by_server"] == {"dns/com": 3, "whois/org": 1}
        assert counted["by_name"]["example.com"] == 3
        assert counted["matching"] == 3
        assert counted["peak_per_second"]["dns/com"] == 3

    in_lab(body)


def test_the_query_log_is_bounded_and_knows_rates() -> None:
    """The ring forgets, the totals do not; peaks and gaps are exact."""
    times = iter([0.0, 0.5, 0.9, 5.0, 5.2])
    log = QueryLog(lambda: next(times), size=4)
    for _ in range(5):
        log.add("rdap/com", "example.com", "GET")

    assert log.by_server["rdap/com"] == 5
    assert len(log.find(server="rdap/")) == 4
    assert log.peak("rdap/com") == 2
    assert log.closest("rdap/com") == pytest.approx(0.2)


def test_web_servers_answer_head_and_parking_redirects() -> None:
    """200 for a living site, 302 to an offer for a parked one, and the faults of the web."""

    async def body(lab: Lab) -> None:
        async with aiohttp.ClientSession() as session:

            async def head(address: str) -> int:
                url = f"http://{address}:{lab.http_port}/"
                async with session.head(url, headers={"Host": "example.com"}, allow_redirects=False) as answer:
                    return answer.status

            assert [await head(address) for address in (net.WEB, net.PARKING_WEB)] == [200, 302]
            lab.faults.add("web", "500", names=["example.com"], count=1)
            assert await head(net.WEB) == 500
            lab.faults.add("web", "reset")
            with pytest.raises(aiohttp.ClientError):
                await head(net.WEB)

    in_lab(body)


def test_faults_end_by_time_and_by_count() -> None:
    """The newest that fits wins; an unknown server or fault is refused."""
    clock = [0.0]
    table = FaultTable(lambda: clock[0])
    table.add("rdap/com", "429", seconds=10)
    table.add("rdap/com", "500", count=1)
    kinds = [fault.kind if (fault := table.pick("rdap/com")) else None for _ in range(2)]
    clock[0] = 11.0

    assert kinds == ["500", "429"]
    assert table.pick("rdap/com") is None
    with pytest.raises(FaultError):
        table.add("rdap/com", "servfail")
    with pytest.raises(FaultError):
        table.add("nowhere", "429")


def test_the_cast_is_large_mixed_and_plays_to_its_end() -> None:
    """Every suffix takes part; what must alarm is free in the end, what must not never was, and the scenes are as written."""

    async def body(lab: Lab) -> None:
        story.stage(lab.registry)
        told: list[str] = []
        story.play(lab.registry, lab.faults, told.append)
        before = {role.name: lab.registry.truth(role.name) for role in story.CAST}
        for _ in range(2):  # the registry itself ends the last days that an act began
            lab.clock.set(now=lab.clock.now() + story.LAST_ACT + 1)
            lab.registry.advance()
        log = lab.registry.log

        assert len({role.name for role in story.CAST}) == len(story.CAST) >= 60
        assert {role.name.partition(".")[2] for role in story.CAST} == set(SUFFIXES)
        assert Counter(before.values())[Truth.UNREGISTERED] == 0
        assert len(told) == len(story.TROUBLES)
        for role in story.CAST:
            if role.alarm is Alarm.MUST:
                assert lab.registry.truth(role.name) is Truth.UNREGISTERED
            elif role.alarm is Alarm.MUST_NOT:
                assert Truth.UNREGISTERED not in {change.truth for change in log.of(role.name)}
            else:
                assert log.freed_at(role.name) is not None
                assert lab.registry.truth(role.name) is Truth.REGISTERED

    in_lab(body)


def _notice(name: str, at: float) -> Received:
    return Received(at, {"webhook-id": f"{name}-{at}"}, b"", {"domain": name, "status": "available"}, True, None, 204)


def test_the_verdict_tells_seen_missed_and_false() -> None:
    """A drop announced is seen, a silent one missed; an alarm about a name not free within ten seconds is false."""
    log = TruthLog()
    for name in ("seen.com", "missed.com", "caught.com", "healthy.com"):
        log.add(0.0, name, Truth.REGISTERED, "register")
    for name in ("seen.com", "missed.com", "caught.com"):
        log.add(100.0, name, Truth.UNREGISTERED, "purge")
    log.add(104.0, "caught.com", Truth.REGISTERED, "catch")
    cast = [
        story.Role("seen.com", alarm=Alarm.MUST),
        story.Role("missed.com", alarm=Alarm.MUST),
        story.Role("caught.com", alarm=Alarm.MAY),
        story.Role("healthy.com"),
    ]
    fair = score(log, [_notice("seen.com", 101.5), _notice("caught.com", 106.0)], cast)
    foul = score(log, [_notice("seen.com", 99.0), _notice("healthy.com", 5.0), _notice("caught.com", 120.0)], cast)

    assert (fair.due, fair.seen, fair.missed, fair.false) == (2, ["seen.com", "caught.com"], ["missed.com"], [])
    assert (fair.latencies["seen.com"], fair.worst) == (1.5, 6.0)
    assert len(foul.false) == 3
    assert foul.missed == ["seen.com", "missed.com"]


def test_ten_thousand_names_are_no_burden() -> None:
    """Populating and asking stays quick enough for the product's own tests."""

    async def body(lab: Lab) -> None:
        names = lab.registry.populate("com", 10_000)
        assert len(lab.registry.names) > 10_000
        assert (await dns_of(lab, "com", names[-1])).authority[0].name.to_text() == f"{names[-1]}."

    in_lab(body)


def test_the_model_needs_no_servers() -> None:
    """The story can be staged on the bare model."""

    async def body(lab: Lab) -> None:
        bare = Registry(lab.clock)
        story.stage(bare)
        assert bare.truth("brand-fence.io") is Truth.BLOCKED

    in_lab(body)
