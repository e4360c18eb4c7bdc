"""Started with nothing: no network, no APIs, hardly a setting. It says what is missing, guesses nothing and stops at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.reader import reading
from tests.e2e.site import Site, until
from tests.lab import net

pytestmark = pytest.mark.timeout(120)

NAMES = ("example-one.com", "example-two.org", "example-three.se", "example-four.co.uk", "example-five.de")
#: Seconds that SIGTERM may take.
STOP_SECONDS = 20.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The stack on a machine where every server is a closed port of this machine."""
    directory: Path = tmp_path_factory.mktemp("offline")
    (directory / "domains.txt").write_text("\n".join((*NAMES, "not a name")), encoding="utf-8")
    dead = str(net.free_port())
    settings = {
        "DOMAIN_LIST_FILE": str(directory / "domains.txt"),
        "DNS_ROOT_SERVERS": f"{net.HOST}:{dead}",
        "DNS_PORT": dead,
        "HTTP_PORT": dead,
        "HTTPS_PORT": dead,
        "RDAP_BOOTSTRAP_URL": f"http://{net.HOST}:{dead}/dns.json",
        "RDAP_SERVERS_FILE": str(directory / "rdap.json"),
        "WHOIS_SERVERS_FILE": str(directory / "whois.json"),
        "WHOIS_IANA_HOST": f"{net.HOST}:{dead}",
        "WHOIS_PORT": dead,
        "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "CHECK_INTERVAL": "5",
        "PRIORITY_CHECK_INTERVAL": "5",
    }
    suffixes = ("com", "org", "se", "co.uk", "uk", "de")
    whois = ", ".join(f'"{suffix}": "{net.HOST}:{dead}"' for suffix in suffixes)
    rdap = ", ".join(f'"{suffix}"' for suffix in suffixes)
    (directory / "whois.json").write_text(f"{{{whois}}}", encoding="utf-8")
    (directory / "rdap.json").write_text(
        f'{{"version": "1.0", "services": [[[{rdap}], ["http://{net.HOST}:{dead}/"]]]}}', encoding="utf-8"
    )
    with Site.open(directory, settings) as opened:
        yield opened


def test_it_is_healthy_and_says_what_is_not_configured(site: Site) -> None:
    """In its first seconds /health and /ready say 200; /status names each missing setting and what follows from it."""
    until(lambda: site.call("/ready").status == 200, 20, "ready", 0.2)
    status = site.call("/status").json()

    assert site.call("/health").status == 200
    missing = " ".join(status["not_configured"])
    for setting in ("DOMAIN_API_URL", "API_CALLBACK_URL", "USER_AGENT_CONTACT", "SENTRY_DSN"):
        assert setting in missing
    assert status["coordinator"]["domains"]["total"] == len(NAMES)
    found = until(lambda: site.call("/problems").json()["problems"], 10, "what cannot be monitored", 0.2)
    assert [problem["entry"] for problem in found] == ["not a name"]


def test_every_name_stays_unknown_and_nothing_is_told(site: Site) -> None:
    """Each name was visited and nothing was learned: UNKNOWN, no confidence, no event, no message but its own results."""
    with reading(site.stack.feed, "") as reader:
        until(
            lambda: all(site.call(f"/domain/{name}").json()["checked_at"] for name in NAMES), 45, "a visit to every name", 0.5
        )
        until(lambda: any(item.topic.startswith("result.") for item in reader.heard), 45, "a result on the feed", 0.5)
        rows = site.call("/domains").json()["domains"]

        assert {(row["domain"], row["state"], row["confidence"]) for row in rows} == {(name, "UNKNOWN", 0.0) for name in NAMES}
        assert site.events() == []
        assert site.call("/drops").json()["drops"] == []
        assert not [item.topic for item in reader.heard if item.topic.startswith(("state.", "available."))]
        results = [item.content["result"] for item in reader.heard if item.topic.startswith("result.")]
        assert set(results) <= {"unknown", "throttled"}


def test_it_says_that_nothing_outside_answers(site: Site) -> None:
    """Within a minute or two /health is degraded, with what to do, and /ready names the cause: no restart would help."""
    until(lambda: site.call("/ready").status == 503, 90, "the end of being ready", 0.5)
    health, ready = site.call("/health"), site.call("/ready").json()

    assert (health.status, health.json()["status"]) == (200, "degraded")
    [problem] = [problem for problem in health.json()["problems"] if problem["code"] == "no_answers"]
    assert ready["reasons"] == [found["what"] for found in ready["problems"]]
    assert "no_answers" in [found["code"] for found in ready["problems"]]
    assert problem["remedy"]
    assert not any(name.encode() in health.body for name in NAMES)
    log = site.stack.log_file.read_text(encoding="utf-8").splitlines()
    assert len([line for line in log if '"problem_began"' in line and '"no_answers"' in line]) == 1
    gauges = site.call("/metrics").json()["gauges"]
    assert gauges['problem_active{code="no_answers"}'] == 1


def test_nothing_leaves_the_machine_and_it_stops_cleanly(site: Site) -> None:
    """No crash, and SIGTERM ends everything with status 0 in time."""
    assert site.stack.crashes() == []
    before = time.monotonic()

    assert site.stop() == []
    assert time.monotonic() - before < STOP_SECONDS
