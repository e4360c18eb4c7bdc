"""The lab's RDAP servers answer honestly per state over HTTPS, and misbehave as told."""

from __future__ import annotations

import ssl

import aiohttp
import pytest

from tests.lab.lab import Lab
from tests.lab_tests.asking import Rdap, in_lab


def _events(body: dict[str, list[dict[str, str]]]) -> set[str]:
    return {event["eventAction"] for event in body["events"]}


def test_every_phase_shows_its_status() -> None:
    """Status words in RDAP spelling, handle and registrar of the object, by phase."""

    async def body(lab: Lab) -> None:
        registry = lab.registry
        entry = registry.register("example.com", registrar="Some Registrar", age_years=2)
        seen = []
        async with Rdap(lab) as rdap:
            for step in (registry.hold, registry.expire, registry.delete, registry.pending_delete):
                step("example.com")
                status, found, _ = await rdap.get("com", "example.com")
                assert (status, found["ldhName"], found["handle"]) == (200, "EXAMPLE.COM", entry.roid)
                seen.append(found["status"])
            assert found["entities"][0]["vcardArray"][1][1][3] == "Some Registrar"
            assert {"registration", "expiration", "last changed"} <= _events(found)
        assert seen == [
            ["client hold", "client transfer prohibited"],
            ["client hold", "auto renew period", "client transfer prohibited"],
            ["client hold", "pending delete", "redemption period"],
            ["client hold", "pending delete"],
        ]

    in_lab(body)


def test_what_has_no_object_is_404_and_some_registries_say_why() -> None:
    """Empty body at .com, JSON elsewhere, a notice for blocked names, a hint for reserved ones where the registry gives one."""

    async def body(lab: Lab) -> None:
        lab.registry.block("blocked.io")
        lab.registry.reserve("reserved.org")
        lab.registry.reserve("reserved.io")
        async with Rdap(lab) as rdap:
            com, org = await rdap.get("com", "free.com"), await rdap.get("org", "free.org")
            assert (com[0], com[1], com[2].get("Content-Length", "0")) == (404, {}, "0")
            assert (org[0], org[1]["errorCode"]) == (404, 404)
            assert (await rdap.get("io", "blocked.io"))[1]["notices"][0]["title"] == "Blocked Domain"
            assert "Registry Reserved" in (await rdap.get("org", "reserved.org"))[1]["description"]
            assert "reserved" not in str((await rdap.get("io", "reserved.io"))[1]["description"]).replace("reserved.io", "")
            assert (await rdap.get("com", "www.example.com"))[0] == 400
            assert (await rdap.get("com", "example.org"))[0] == 404
            assert (await rdap.get("org", "free.org", method="HEAD"))[:2] == (404, {})

    in_lab(body)


def test_one_operator_serves_both_levels_of_uk() -> None:
    """The same server answers for uk and co.uk, and keeps them apart."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.co.uk")
        async with Rdap(lab) as rdap:
            assert lab.rdap_base("uk") == lab.rdap_base("co.uk")
            assert (await rdap.get("co.uk", "example.co.uk"))[0] == 200
            assert (await rdap.get("uk", "example.uk"))[0] == 404

    in_lab(body)


def test_the_bootstrap_list_knows_every_rdap_server_and_when_it_has_not_changed() -> None:
    """The form of RFC 9224; the same tag again gets 304; .se has no server."""

    async def body(lab: Lab) -> None:
        url = lab.environment()["RDAP_BOOTSTRAP_URL"]
        async with Rdap(lab) as rdap:
            status, listed, headers = await rdap.fetch(url)
            again, _, _ = await rdap.fetch(url, If_None_Match=headers["ETag"])
            servers = {label: urls[0] for labels, urls in listed["services"] for label in labels}

            assert (status, again) == (200, 304)
            assert servers["co.uk"] == lab.rdap_base("co.uk")
            assert "se" not in servers

    in_lab(body)


def test_the_lab_is_not_trusted_by_accident() -> None:
    """Without its certificate the handshake fails."""

    async def body(lab: Lab) -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(lab.rdap_base("com"), ssl=ssl.create_default_context())

    in_lab(body)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("429", 429, ""),
        ("429-retry-after", 429, ""),
        ("400", 400, "json"),
        ("500", 500, "html"),
        ("503", 503, ""),
        ("403-html", 403, "html"),
        ("404-html", 404, "html"),
        ("200-html", 200, "html"),
        ("throttle", 200, "html"),
        ("garbage", 200, "json"),
        ("empty", 200, "json"),
        ("deep-json", 200, "json"),
        ("redirect-loop", 302, ""),
        ("redirect-metadata", 302, ""),
    ],
)
def test_faults_that_are_wrong_answers(fault: str, status: int, kind: str) -> None:
    """Each shows once where it was counted once; none of them carries the record."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.org")
        lab.faults.add("rdap/org", fault, count=1, delay=7)
        async with Rdap(lab) as rdap:
            wrong = await rdap.get("org", "example.org")
            right = await rdap.get("org", "example.org")

        assert wrong[0] == status
        assert kind in wrong[2].get("Content-Type", "")
        assert wrong[2].get("Retry-After") == ("7" if fault in {"429-retry-after", "503"} else None)
        assert "ldhName" not in wrong[1]
        assert right[1]["ldhName"] == "example.org"

    in_lab(body)


def test_a_lying_server_and_one_that_answers_for_another_name() -> None:
    """404 for a registered name; 200 with another name."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.org")
        async with Rdap(lab) as rdap:
            lab.faults.add("rdap/org", "lying-404", count=1)
            assert (await rdap.get("org", "example.org"))[0] == 404
            lab.faults.add("rdap/org", "wrong-name", count=1)
            assert (await rdap.get("org", "example.org"))[1]["ldhName"] == "not-example.org"

    in_lab(body)


def test_faults_below_the_answer() -> None:
    """Silence and dripping pass any deadline; resets and truncation break the exchange; oversize is really large."""

    async def body(lab: Lab) -> None:
        lab.registry.register("example.org")
        async with Rdap(lab) as rdap:
            for fault, error in (
                ("silence", TimeoutError),
                ("drip", TimeoutError),
                ("reset", aiohttp.ClientError),
                ("truncate", aiohttp.ClientError),
            ):
                lab.faults.add("rdap/org", fault)  # uncounted: aiohttp tries again by itself after a lost connection
                with pytest.raises(error):
                    await rdap.get("org", "example.org")
                lab.faults.clear()
            lab.faults.add("rdap/org", "delay", count=1, delay=0.02)
            assert (await rdap.get("org", "example.org"))[0] == 200

    in_lab(body)
