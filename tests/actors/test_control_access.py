"""Changing calls: what they do, which clients may make them, and what their bodies may be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actors.control import request_security
from common.core.model.records import DeliveryRow
from tests.actors.control_lab import ELSEWHERE, Lab, domain_row, from_address, peers, serving


def test_changing_calls_reach_the_coordinator(tmp_path: Path) -> None:
    """Refresh, check, replay and reset become commands; 503 while no coordinator takes them."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row()]
            lab.reader.callbacks = [DeliveryRow("e1", "notice", "example.com", 1, b"{}")]
            for path in ("/refresh", "/domain/EXAMPLE.com/check", "/deliveries/e1/replay", "/metrics/reset"):
                status, answer = await lab.post(path)
                assert (path, status, answer["accepted"]) == (path, 202, True)
            assert (await lab.get("/metrics/reset"))[0] == 202
            assert lab.coordinator.taken == [
                ("refresh", ""),
                ("check", "example.com"),
                ("replay", "e1"),
                ("reset_metrics", ""),
                ("reset_metrics", ""),
            ]
            lab.coordinator.there = False
            lab.clock.at += 10
            assert (await lab.post("/refresh"))[0] == 503

    asyncio.run(story())


def test_reloading_the_list_is_limited(tmp_path: Path) -> None:
    """A second reload within a second is 429 with Retry-After."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            assert (await lab.post("/refresh"))[0] == 202
            async with lab.http.post(lab.url + "/refresh") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
            lab.clock.at += 1
            assert (await lab.post("/refresh"))[0] == 202

    asyncio.run(story())


def test_a_token_is_needed_where_one_is_set(tmp_path: Path) -> None:
    """With CONTROL_TOKEN each changing call needs it, also the GET form of the reset; reading stays open."""

    async def story() -> None:
        async with serving(Lab(tmp_path, CONTROL_TOKEN="right-token-0123456789", CONTROL_HOST="0.0.0.0")) as lab:
            for headers in (
                {},
                {"Authorization": "Bearer wrong"},
                {"Authorization": "Basic right-token-0123456789"},
                {"Authorization": "Bearer"},
                {"Authorization": "Bearer right-token-0123456789x"},
            ):
                async with lab.http.post(lab.url + "/refresh", headers=headers) as answer:
                    assert answer.status == 401
                    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert (await lab.get("/metrics/reset"))[0] == 401
            assert lab.coordinator.taken == []
            assert (await lab.post("/refresh", Authorization="Bearer right-token-0123456789"))[0] == 202
            assert (await lab.get("/domains"))[0] == 200

    asyncio.run(story())


def test_an_open_port_without_a_token_serves_this_machine_alone(tmp_path: Path) -> None:
    """Bound to the network without a token, calls from elsewhere are 403 and name the remedy; local ones go on."""

    async def story() -> None:
        async with serving(Lab(tmp_path, peers(), CONTROL_HOST="0.0.0.0")) as lab, from_address(ELSEWHERE) as other:
            for method, path, setting in (
                ("POST", "/refresh", "CONTROL_TOKEN"),
                ("GET", "/metrics/reset", "CONTROL_TOKEN"),
                ("GET", "/domains", "READ_TOKEN"),
                ("GET", "/nowhere", "READ_TOKEN"),
            ):
                async with other.request(method, lab.url + path) as answer:
                    problem = await answer.json(content_type=None)
                    assert (answer.status, problem["code"]) == (403, "no_token")
                    assert setting in problem["detail"]
            assert (await lab.post("/refresh"))[0] == 202
            assert any("CONTROL_TOKEN" in line for line in (await lab.get("/status"))[1]["not_configured"])

    asyncio.run(story())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost:8000"}, 202),
        ({"Host": "LOCALHOST."}, 202),
        ({"Host": "[::1]:8000"}, 202),
        ({"Host": "[0:0:0:0:0:0:0:1]"}, 202),
        ({"Host": "localhost@evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 202),
    ],
)
def test_other_sites_cannot_change_anything(headers: dict[str, str], status: int, tmp_path: Path) -> None:
    """A page of another site cannot use the operator's browser, not even with a name of its own that points here."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            assert (await lab.post("/metrics/reset", **headers))[0] == status
            assert (await lab.get("/metrics/reset", **headers))[0] == status

    asyncio.run(story())


def test_the_dashboard_itself_may_change(tmp_path: Path) -> None:
    """An Origin that is this very host passes."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            assert (await lab.post("/refresh", Origin=lab.url))[0] == 202

    asyncio.run(story())


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"{}", "application/json", 202),
        (b"", "text/plain", 202),
        (b"{", "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b" " * 70_000, "application/json", 413),
    ],
)
def test_bodies_are_checked(data: bytes, kind: str, status: int, tmp_path: Path) -> None:
    """Only JSON up to 64 KiB is let in."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            found, answer = await lab.post("/metrics/reset", data, Content_Type=kind)
            assert found == status
            assert status == 202 or answer["status"] == status

    asyncio.run(story())


def test_every_answer_carries_security_headers(tmp_path: Path) -> None:
    """Pages, data and errors alike: no sniffing, no framing, no caching, nothing from elsewhere."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            for path in ("/", "/domains", "/nowhere", "/static/app.js"):
                async with lab.http.get(lab.url + path) as answer:
                    assert answer.headers["X-Content-Type-Options"] == "nosniff"
                    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
                    assert answer.headers["Cache-Control"] == "no-store"
                    assert "aiohttp" not in answer.headers["Server"]

    asyncio.run(story())


@pytest.mark.parametrize("header", request_security.FORWARDED)
def test_what_a_proxy_passes_on_does_not_come_from_here(header: str, tmp_path: Path) -> None:
    """Each of the headers by which proxies say that the caller is another, whatever it holds."""

    async def story() -> tuple[int, int]:
        async with serving(Lab(tmp_path)) as lab:
            direct, _ = await lab.get("/domains")
            async with lab.http.get(lab.url + "/domains", headers={header: "127.0.0.1"}) as answer:
                return direct, answer.status

    assert asyncio.run(story()) == (200, 403)
