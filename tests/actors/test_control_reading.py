"""Which clients may read: this machine by its own names, others with a token, and no page of another site."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path

import aiohttp
import pytest

from actors.control.auth import Access, AccessPolicy, RequestFacts
from actors.control.http_problems import Problem
from common.http_authority import host_of
from common.peers import Peers, default_gateways, parse_address
from tests.actors.control_lab import ELSEWHERE, GATEWAY, Lab, domain_row, from_address, peers, serving

READ, CONTROL = "read-token-0123456789", "control-token-0123456789"
TOKENS = {"READ_TOKEN": READ, "CONTROL_TOKEN": CONTROL}
#: What the interface shows to readers; the names are in some of it.
READS = ("/", "/domains", "/domain/example.com", "/status", "/metrics", "/metrics/prometheus", "/events", "/drops")
READS += ("/drops.ics", "/deliveries", "/problems", "/openapi.json", "/static/app.js")
OPEN = ("/health", "/ready")


def basic(token: str) -> str:
    """The header of a browser that was given a token as its password."""
    return "Basic " + base64.b64encode(f"me:{token}".encode()).decode()


def bearer(token: str) -> str:
    """The header of a program."""
    return f"Bearer {token}"


async def status_of(http: aiohttp.ClientSession, url: str, **headers: str) -> int:
    """The status of a GET."""
    async with http.get(url, headers={name.replace("_", "-"): text for name, text in headers.items()}) as answer:
        await answer.read()
        return answer.status


def test_a_foreign_name_that_points_here_reads_nothing(tmp_path: Path) -> None:
    """DNS rebinding: from loopback with a Host of another site every read is 403; health and readiness go on, without names."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row("a-secret-name.com")]
            lab.all_beat()
            for path in READS:
                async with lab.http.get(lab.url + path, headers={"Host": "evil.example"}) as answer:
                    problem = await answer.json(content_type=None)
                    assert (path, answer.status, problem["code"]) == (path, 403, "bad_host")
                    assert "CONTROL_ALLOWED_HOSTS" in problem["detail"]
            for path in OPEN:
                async with lab.http.get(lab.url + path, headers={"Host": "evil.example"}) as answer:
                    assert (path, answer.status) == (path, 200)
                    assert "a-secret-name" not in await answer.text()

    asyncio.run(story())


def test_this_machine_reads_without_any_setting(tmp_path: Path) -> None:
    """Every read answers on loopback as it is printed in the documentation, the GET form of the reset too."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row()]
            flags = "include_timers=true&include_counters=true&include_api=true&include_check_results=true"
            for path in (*READS, f"/metrics?{flags}"):
                assert (path, await status_of(lab.http, lab.url + path)) == (path, 200)
            assert await status_of(lab.http, lab.url + "/metrics/reset") == 202

    asyncio.run(story())


def test_names_can_be_allowed(tmp_path: Path) -> None:
    """CONTROL_ALLOWED_HOSTS replaces the names that are taken, ports and case aside."""

    async def story() -> None:
        async with serving(Lab(tmp_path, CONTROL_ALLOWED_HOSTS="Watch.Example, [2001:DB8::1]")) as lab:
            for host, status in (
                ("watch.example:80", 200),
                ("[2001:db8:0::1]:80", 200),
                ("localhost", 403),
                ("x.watch.example", 403),
            ):
                assert (host, await status_of(lab.http, lab.url + "/domains", Host=host)) == (host, status)

    asyncio.run(story())


def test_other_machines_need_a_token_to_read(tmp_path: Path) -> None:
    """From elsewhere a read is 401 without a token; either token opens it under any name, as a password too."""

    async def story() -> None:
        async with (
            serving(Lab(tmp_path, peers(), **TOKENS)) as lab,
            from_address(ELSEWHERE) as other,
        ):
            lab.reader.rows = [domain_row()]
            lab.all_beat()
            for path in READS:
                url = lab.url + path
                assert (path, await status_of(other, url)) == (path, 401)
                assert (path, await status_of(other, url, X_Forwarded_For="127.0.0.1")) == (path, 401)
                assert (path, await status_of(other, url, Authorization=bearer("wrong"))) == (path, 401)
                for given in (bearer(READ), bearer(CONTROL), basic(READ)):
                    assert (path, await status_of(other, url, Authorization=given, Host="any.example")) == (path, 200)
            for path in OPEN:
                assert (path, await status_of(other, lab.url + path, Host="any.example")) == (path, 200)

    asyncio.run(story())


def test_the_token_for_reading_changes_nothing(tmp_path: Path) -> None:
    """Whatever READ_TOKEN reads, a changing call with it is refused, and says which token it needs."""

    async def story() -> None:
        async with serving(Lab(tmp_path, peers(), **TOKENS)) as lab:
            for address in (ELSEWHERE, "127.0.0.1"):
                async with from_address(address) as other:
                    for path in ("/metrics/reset", "/refresh"):
                        async with other.post(lab.url + path, headers={"Authorization": bearer(READ)}) as answer:
                            problem = await answer.json(content_type=None)
                            assert (answer.status, problem["code"]) == (403, "read_only")
                            assert "CONTROL_TOKEN" in problem["detail"]
            assert lab.coordinator.taken == []

    asyncio.run(story())


def test_the_gateway_is_this_machine_where_it_is_trusted(tmp_path: Path) -> None:
    """Calls through the network's gateway read and change as local ones do, and still have to name the host rightly."""

    async def story() -> None:
        async with serving(Lab(tmp_path, peers())) as lab, from_address(GATEWAY) as host:
            assert await status_of(host, lab.url + "/domains") == 200
            assert await status_of(host, lab.url + "/metrics/reset") == 202
            assert await status_of(host, lab.url + "/domains", Host="evil.example") == 403
            assert await status_of(host, lab.url + "/domains", X_Forwarded_For="127.0.0.1") == 403

    asyncio.run(story())


def test_a_browser_elsewhere_is_asked_for_the_token(tmp_path: Path) -> None:
    """Opening the page challenges for a password, its scripts' calls do not; with the password page, data and stream work."""

    async def story() -> None:
        async with serving(Lab(tmp_path, peers(), CONTROL_TOKEN=CONTROL)) as lab, from_address(ELSEWHERE) as browser:
            async with browser.get(lab.url + "/", headers={"Accept": "text/html,*/*;q=0.8"}) as page:
                challenges = [line.partition(" ")[0] for line in page.headers.getall("WWW-Authenticate")]
                assert (page.status, challenges) == (401, ["Bearer", "Basic"])
            async with browser.get(lab.url + "/status", headers={"Accept": "application/json"}) as data:
                assert (data.status, "Basic" in data.headers["WWW-Authenticate"]) == (401, False)
            known = {"Authorization": basic(CONTROL)}
            assert await status_of(browser, lab.url + "/", **known) == 200
            async with browser.get(lab.url + "/events", headers={**known, "Accept": "text/event-stream"}) as stream:
                assert stream.status == 200
            async with browser.post(lab.url + "/refresh", headers={**known, "Origin": lab.url}) as changed:
                assert changed.status == 202

    asyncio.run(story())


def test_a_password_is_not_enough_for_what_another_site_starts(tmp_path: Path) -> None:
    """Browsers send a password by themselves: changes with it need a proof of origin, reads none that speaks against it."""

    async def story() -> None:
        async with serving(Lab(tmp_path, peers(), CONTROL_TOKEN=CONTROL)) as lab, from_address(ELSEWHERE) as browser:
            known = {"Authorization": basic(CONTROL)}
            # An image on another site: over plain HTTP to another machine browsers say nothing about where it stands.
            assert await status_of(browser, lab.url + "/metrics/reset", **known) == 403
            assert await status_of(browser, lab.url + "/metrics/reset", **known, Sec_Fetch_Site="cross-site") == 403
            assert await status_of(browser, lab.url + "/domains", **known, Origin="http://evil.example") == 403
            assert await status_of(browser, lab.url + "/metrics/reset", **known, Sec_Fetch_Site="same-origin") == 202
            assert await status_of(browser, lab.url + "/metrics/reset", Authorization=bearer(CONTROL)) == 202

    asyncio.run(story())


@pytest.mark.parametrize("path", ["/domains", "/events", "/metrics", "/static/app.js"])
def test_other_sites_read_nothing_through_a_browser_here(path: str, tmp_path: Path) -> None:
    """A page of another site, or of another port of this host, gets neither data nor a stream; a link to the page works."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            url, stream = lab.url + path, "text/event-stream"
            assert await status_of(lab.http, url, Accept=stream, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors") == 403
            assert await status_of(lab.http, url, Accept=stream, Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors") == 403
            assert await status_of(lab.http, url, Accept=stream, Origin="http://localhost:3000") == 403
            assert await status_of(lab.http, url, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate") == 200

    asyncio.run(story())


@pytest.mark.parametrize("head", ["", "Host: localhost\r\nHost: localhost\r\n", "Host: local host\r\n", "Host:\r\n"])
def test_a_host_that_is_missing_doubled_or_malformed_is_refused(head: str, tmp_path: Path) -> None:
    """Without exactly one proper Host header a call without a token gets no data."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(lab.url.rpartition(":")[2]))
            writer.write(f"GET /domains HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            assert answer.split(b" ")[1] in {b"400", b"403"}
            assert b"domains" not in answer.partition(b"\r\n\r\n")[2].replace(b'"instance":"/domains"', b"")

    asyncio.run(story())


def test_a_request_line_with_a_host_of_its_own_is_refused(tmp_path: Path) -> None:
    """`GET http://evil.example/domains` is no way around the Host rule."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(lab.url.rpartition(":")[2]))
            writer.write(b"GET http://evil.example/domains HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 403 ")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("peername", "local"),
    [
        (("127.0.0.1", 1), True),
        (("127.9.9.9", 1), True),
        (("::1", 1, 0, 0), True),
        (("::ffff:127.0.0.1", 1, 0, 0), True),
        ("", False),
        (b"/run/some.sock", False),
        (("192.0.2.1", 1), True),
        (("::ffff:192.0.2.1", 1, 0, 0), True),
        (("fe80::1%eth0", 1, 0, 2), True),
        (("192.0.2.2", 1), False),
        (("::ffff:192.0.2.2", 1, 0, 0), False),
        (("localhost", 1), False),
        ((), False),
        (None, False),
    ],
)
def test_peers_are_told_apart_by_their_address(peername: object, local: bool) -> None:
    """Loopback in every spelling and the trusted gateway are this machine; whatever else is not, a unix socket neither."""
    trusted = frozenset(filter(None, map(parse_address, ("192.0.2.1", "fe80::1"))))

    assert Peers(lambda: 0.0, lambda: trusted).is_local(peername) is local


def test_the_gateway_is_read_anew(tmp_path: Path) -> None:
    """A network that is connected later is noticed within seconds."""
    routes, now = tmp_path / "route", [0.0]
    peers_ = Peers(lambda: now[0], lambda: default_gateways(routes, tmp_path / "none"))
    assert not peers_.is_local(("172.18.0.1", 1))
    routes.write_text("Iface\nnet0 00000000 010012AC 0003 0 0 0 00000000 0 0 0\n")
    now[0] = 6.0

    assert peers_.is_local(("172.18.0.1", 1))


def test_default_gateways_are_read_from_the_kernels_tables(tmp_path: Path) -> None:
    """Only default routes through a gateway count; damaged lines are passed over."""
    (tmp_path / "four").write_text(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"  # the default: 172.18.0.1
        "eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"  # the network itself
        "eth1\t0000000A\t020012AC\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n"  # through a gateway, no default
        "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"  # a default without a gateway
        "eth2\t00000000\tzz\t0003\t0\t0\t0\t00000000\nshort\n"
    )
    zero, one = "0" * 32, "fd00" + "0" * 27 + "1"
    (tmp_path / "six").write_text(
        f"{zero} 00 {zero} 00 {one} 00000400 00000001 00000000 00000003 eth0\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200 lo\n"
        f"{one} 80 {zero} 00 {one} 00000400 00000001 00000000 00000003 eth0\n"
    )
    found = default_gateways(tmp_path / "four", tmp_path / "six")

    assert {str(address) for address in found} == {"172.18.0.1", "fd00::1"}
    assert default_gateways(tmp_path / "none", tmp_path / "none") == frozenset()


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost.:80", "localhost"),
        ("[::1]:80", "::1"),
        ("[0::0:1]", "::1"),
        ("127.0.0.1:", "127.0.0.1"),
        ("", None),
        ("::1", None),
        ("[::1", None),
        ("[127.0.0.1]", None),
        ("a b", None),
        ("a,b", None),
        ("a@b", None),
        ("a/b", None),
        ("a:b", None),
        ("a:123456", None),
        ("a\n", None),
        ("ä", None),
    ],
)
def test_an_authority_has_one_host(text: str, host: str | None) -> None:
    """Every spelling of a host becomes one; what is no authority has none."""
    assert host_of(text) == host


def test_two_sets_of_credentials_are_none() -> None:
    """A call with two Authorization headers is judged by neither."""
    policy = AccessPolicy(control_token=CONTROL, read_token=None, allowed_hosts=("localhost",), local=lambda _: False)
    policy.require_access(RequestFacts(peer=None, authorization=(bearer(CONTROL),)), Access.CHANGE)
    for headers in ((bearer(CONTROL), bearer(CONTROL)), ("Basic ///",), ("Digest x",), ("Bearer",)):
        with pytest.raises(Problem):
            policy.require_access(RequestFacts(peer=None, hosts=("localhost",), authorization=headers), Access.READ)


def test_the_compose_file_trusts_the_gateway_because_its_ports_are_on_loopback() -> None:
    """What is trusted and what is published belong together: the proxy alone has ports, and none is open to other machines."""
    text = (Path(__file__).parents[2] / "docker-compose.yml").read_text(encoding="utf-8")
    instances, proxy = re.split(r"^  proxy:$", text, flags=re.MULTILINE)
    published = re.findall(r'^ +- "([^"]*:[0-9]+)"$', proxy, re.MULTILINE)

    assert 'CONTROL_TRUST_GATEWAY: "yes"' in proxy
    assert published == ["127.0.0.1:${CONTROL_PORT:-8000}:8000", "127.0.0.1:${FEED_PORT:-5560}:5560"]
    assert 'CONTROL_TRUST_GATEWAY: "no"' in instances
    assert "ports:" not in instances


def test_the_compose_file_gives_the_proxy_no_secret_and_nothing_to_write() -> None:
    """It takes connections from outside: it gets no .env, and the state read-only."""
    text = (Path(__file__).parents[2] / "docker-compose.yml").read_text(encoding="utf-8")
    proxy = re.split(r"^  proxy:$", text, flags=re.MULTILINE)[1]

    assert "env_file" not in proxy
    assert re.findall(r"^ +- (state:.*)$", proxy, re.MULTILINE) == ["state:/app/state:ro"]
