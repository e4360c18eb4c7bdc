"""A certificate through the whole stack: a name that was taken is found within seconds, and not at its next look."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.site import Site, until
from tests.lab.lab import Lab

pytestmark = pytest.mark.timeout(180)

FREE, CAUGHT = "still-free.com", "caught-one.com"


def furnish(lab: Lab) -> None:
    """Two names that are free."""
    lab.certificates_told = True
    lab.customer.set_watch([FREE, CAUGHT])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The stack, whose routine looks are an hour apart, and a lab with a stream of certificates."""
    settings = {"CHECK_INTERVAL": "3600", "DOMAIN_API_REFRESH_INTERVAL": "2"}
    with Site.open(tmp_path_factory.mktemp("certificates"), settings, furnish) as opened:
        yield opened


def shown(site: Site, name: str) -> dict[str, Any]:
    """A name as the interface shows it."""
    found: dict[str, Any] = site.call(f"/domain/{name}").json()
    return found


def test_a_caught_name_is_found_with_its_certificate(site: Site) -> None:
    """Its state follows within seconds, the certificate is shown; a free name with a certificate stays free."""
    free = until(
        lambda: {shown(site, name).get("state") for name in (FREE, CAUGHT)} <= {"AVAILABLE", "UNREGISTERED"}, 60, "free"
    )
    assert free
    until(lambda: site.do(lambda lab: lab.certificates.listeners), 30, "a client of the stream", 0.2)
    site.do(lambda lab: lab.registry.register(CAUGHT))

    def issue(lab: Lab) -> asyncio.Task[None]:
        return asyncio.ensure_future(lab.certificates.issue(f"www.{CAUGHT}", FREE))

    site.do(issue)
    found = until(lambda: (row := shown(site, CAUGHT)).get("state") == "REGISTERED" and row, 20, "the catch", 0.2)
    assert found["evidence"]["certificate"]["finding"] == "certificate_seen"
    other = until(lambda: (row := shown(site, FREE))["evidence"].get("certificate") and row, 20, "the other", 0.2)
    assert other["state"] in ("AVAILABLE", "UNREGISTERED")
    until(lambda: joined(site) == 2, 20, "both names at /status", 0.2)


def joined(site: Site) -> int | None:
    """How many watched names the stream had, as /status shows it."""
    rows = site.call("/status").json()["coordinator"]["publications"]
    return next((row["joined"] for row in rows if row["name"] == "certificates"), None)
