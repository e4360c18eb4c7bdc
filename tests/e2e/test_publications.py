"""What a registry publishes, through the whole stack: a list becomes a forecast, and one that is cut off changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.site import Site, until
from tests.lab.clock import DAY
from tests.lab.lab import Lab

pytestmark = pytest.mark.timeout(180)

#: Seconds until the listed names drop.
AHEAD = 3 * 3600.0
LISTED, OTHER = ("listed-one.co.uk", "listed-two.uk"), ("stays-here.co.uk", "elsewhere.com")


def furnish(lab: Lab) -> None:
    """Two names that drop in three hours, and two that do not."""
    lab.published = ("uk-drops",)
    for name in (*LISTED, *OTHER):
        lab.registry.register(name, age_years=4)
    for name in LISTED:
        lab.registry.pending_delete(name, ago_days=lab.registry.names[name].suffix.pending_days - AHEAD / DAY)
    lab.customer.set_watch([*LISTED, *OTHER])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The stack, and a lab that publishes the list of .uk."""
    settings = {"CHECK_INTERVAL": "5", "PRIORITY_CHECK_INTERVAL": "2", "DOMAIN_API_REFRESH_INTERVAL": "2"}
    with Site.open(tmp_path_factory.mktemp("published"), settings, furnish) as opened:
        yield opened


def listing(site: Site, name: str) -> dict[str, Any] | None:
    """What the list says about a name, as the interface shows it."""
    shown: dict[str, Any] = site.call(f"/domain/{name}").json()
    found: dict[str, Any] | None = shown.get("evidence", {}).get("list")  # neither is there before it is in the store
    return found


def published(site: Site) -> dict[str, Any]:
    """The row of the list at /status, {} before it was read."""
    rows = site.call("/status").json()["coordinator"].get("publications", [])
    return next((row for row in rows if row["name"] == "uk-drops"), {})


def test_a_listed_name_is_known_to_drop_at_its_second(site: Site) -> None:
    """The list is evidence for the name, with its release; the names beside it have none."""
    until(lambda: all(listing(site, name) for name in LISTED), 60, "the list at its names", 0.2)
    ends = site.do(lambda lab: {name: lab.registry.names[name].ends for name in LISTED})

    for name in LISTED:
        release = datetime.fromtimestamp(round(ends[name] or 0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert release in str(listing(site, name))
        shown = site.call(f"/domain/{name}").json()
        assert shown["state"] == "PENDING_DELETE"
        assert abs(shown["forecast"]["earliest"] - (ends[name] or 0)) < 2, shown["forecast"]
        assert shown["forecast"]["latest"] - shown["forecast"]["earliest"] <= 60
    assert [listing(site, name) for name in OTHER] == [None, None]
    row = until(lambda: (row := published(site)).get("checked_at") and row, 10, "the list at /status", 0.2)
    assert (row["size"], row["joined"], row["problem"]) == (2, 2, None)


def test_a_list_that_is_cut_off_changes_nothing(site: Site) -> None:
    """What is wrong is said at /status, and the names stay as the whole list had them."""
    before = {name: listing(site, name) for name in LISTED}
    site.do(lambda lab: lab.faults.add("publication/uk-drops", "cut"))
    site.do(lambda lab: lab.registry.register("new-one.uk"))
    site.do(lambda lab: lab.registry.pending_delete("new-one.uk"))  # so that the list is another one

    row = until(lambda: (row := published(site)).get("problem") and row, 30, "the problem at /status", 0.2)
    assert "ends too early" in row["problem"]
    assert (row["size"], row["joined"]) == (2, 2)
    assert {name: listing(site, name) for name in LISTED} == before
    assert [name for name in LISTED if site.told(name)] == []
    assert site.call("/health").status == 200
