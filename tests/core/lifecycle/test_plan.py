"""What a list costs: waits and latency by suffix, from the limits and intervals that the scheduler uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf, isinf

import pytest

from common.core.checks.window_shares import QUOTA_SHARE, RATE_SHARE
from common.core.lifecycle.plan import (
    DELETED_A_YEAR,
    OUT_OF_ZONE,
    PlanRules,
    SuffixPlan,
    find_demand,
    first_look_seconds,
    plan_list,
    polling_periods,
    records_a_day,
)
from common.core.model.limit import Limit
from common.core.registries.directory import Directory
from common.core.registries.operators import limit_for
from common.core.registries.registries import Registries
from common.core.schedule.cadence import JITTER, Cadence
from common.core.schedule.drop_hours import PUBLISHED

CADENCE = Cadence(3600.0, 300.0, 30.0, 2.0)
RULES = PlanRules(cadence=CADENCE, rate_share=RATE_SHARE, quota_share=QUOTA_SHARE)
DAY = 86_400.0
_, COM_HOURS = PUBLISHED.hours_of("com")
RDAP = Limit("rdap/verisign", 1.0, 5)


def plans_of(
    counts: Mapping[str, int], limits: Mapping[str, Limit] | None = None, rules: PlanRules = RULES
) -> dict[str, SuffixPlan]:
    """The plans by suffix, in the order in which they come."""
    registries = Registries(directory=Directory(), overrides=limits or {}, recursive_dns=False, iana_host="")
    return {plan.suffix: plan for plan in plan_list(counts, registries, rules)}


def test_a_million_names_of_com_are_looked_at_within_forty_minutes_or_in_hours() -> None:
    """Depending on how far the pace climbs; com and net share name servers, and so the wait."""
    alone = plans_of({"com": 1_000_000})["com"]
    both = plans_of({"com": 500_000, "net": 500_000})

    assert (alone.dns, alone.addresses, alone.dns_rate, alone.dns_ceiling) == ("dns/gtld-servers", 26, 52.0, 1300.0)
    assert alone.first_look.worst == pytest.approx(1_000_000 / 52)
    assert 1_000_000 / 1300 < alone.first_look.typical < 40 * 60
    assert both["com"].first_look == both["net"].first_look == alone.first_look
    assert alone.calm.typical == 3600.0
    assert alone.calm.worst == pytest.approx(1_000_000 * (1 - OUT_OF_ZONE) / 52)


def test_the_first_look_follows_the_real_buckets() -> None:
    """A pace that cannot climb is a division; one that is switched off never ends."""
    com = limit_for("dns", "com", {}).multiply(26)
    assert first_look_seconds(replace(com, ceiling=None), 5200) == pytest.approx(100.0)
    assert first_look_seconds(replace(com, rate=0.0), 1) == inf
    assert first_look_seconds(com, 100) == pytest.approx(2.0)
    assert first_look_seconds(replace(com, rate=0.01, burst=1.0, ceiling=1.0), 10_000) > 9000


def test_what_names_call_for_depends_on_the_days_in_which_they_drop() -> None:
    """Without them it is what is usual in com."""
    usual, soon, none = (
        find_demand("com", 36_500, RULES),
        find_demand("com", 100, replace(RULES, days=5.0)),
        find_demand("com", 7, replace(RULES, days=0.1)),
    )

    assert (usual.gone, usual.inside) == (pytest.approx(36_500 * OUT_OF_ZONE), pytest.approx(100 * DELETED_A_YEAR))
    assert usual.records == pytest.approx((36_500 - usual.gone) * records_a_day())
    assert (soon.gone, soon.inside, soon.polls, soon.looks) == (20.0, 20.0, 20 * COM_HOURS / 60, 0.0)
    assert (none.gone, none.inside, none.records) == (7.0, 7.0, 0.0)
    assert usual.looks == pytest.approx((usual.gone - usual.inside) * 4)
    assert find_demand("unpublished.zz", 36_500, RULES).looks == pytest.approx((usual.gone - usual.inside) * 24)
    assert usual.a_day == usual.records + usual.polls + usual.looks


def test_a_record_is_asked_for_weekly_while_the_zone_guards_a_name() -> None:
    """And every third day from its expiry on: 364 days and one."""
    assert records_a_day() == pytest.approx((364 / 7 + 1 / 3) / 365)


@pytest.mark.parametrize(
    ("inside", "limit", "seconds"),
    [
        (1, RDAP, 5.0),  # closer looks are worth nothing
        (30, RDAP, 60.0),  # half of the rate
        (60, RDAP, 120.0),
        (60, replace(RDAP, per_day=10_000), 60 * COM_HOURS / (0.8 * 0.75 * 10_000)),
        (60, replace(RDAP, per_day=100), 60 * COM_HOURS / 100),  # what the day does not allow waits
        (3600, RDAP, 3600.0),  # no rarer than the base interval, and the rate allows as much
        (7200, RDAP, 7200.0),  # what the rate does not allow waits
        (1, replace(RDAP, rate=0.0), inf),
    ],
)
def test_names_inside_windows_become_rarer_together(inside: float, limit: Limit, seconds: float) -> None:
    """As `window_shares` has it."""
    assert polling_periods({"com": inside}, limit, RULES)["com"] == pytest.approx(seconds)


def test_another_egress_is_another_budget() -> None:
    """Twice as many names in windows have the same pace."""
    assert polling_periods({"com": 60}, RDAP, replace(RULES, egresses=2))["com"] == pytest.approx(60.0)


def test_names_of_suffixes_with_shorter_hours_are_looked_at_more_closely() -> None:
    """In proportion to the square root of the probability of a drop per second; together they take half of the rate."""
    inside = {"com": 30, "uk": 30}
    com, other = polling_periods(inside, RDAP, RULES).values()

    assert other / com == pytest.approx((DAY / COM_HOURS) ** 0.5)
    assert 30 / com + 30 / other == pytest.approx(0.5)


def test_the_latency_is_the_wait_for_a_query_and_its_confirmation() -> None:
    """On average half of a step; at worst a whole one with its jitter, and six tokens for each of both queries."""
    plan = plans_of({"com": 3000}, {"rdap/verisign": RDAP}, replace(RULES, days=100.0))["com"]

    assert plan.in_window.typical == plan.in_window.worst == pytest.approx(60.0)
    assert plan.latency.typical == pytest.approx(30 + 2 + 2)
    assert plan.latency.worst == pytest.approx(60 * (1 + JITTER) + 2 + 2 + 12)
    assert plan.unseen.worst == pytest.approx(6 * 3600 * (1 + JITTER))
    assert plan.narrow == ""
    assert plan.registry_queries == DAY


def test_the_narrow_budget_is_named() -> None:
    """Of DNS, of the registry's rate, of its day."""
    assert plans_of({"com": 40_000_000}, {"rdap/verisign": replace(RDAP, rate=1e6)})["com"].narrow == "dns/gtld-servers"
    assert plans_of({"com": 1_000_000})["com"].narrow == "rdap/verisign"
    assert plans_of({"com": 500}, {"rdap/verisign": replace(RDAP, per_day=100)})["com"].narrow == "rdap/verisign per day"


def test_a_registry_without_a_channel_tells_of_no_drop() -> None:
    """All that can be asked about its names is the zone."""
    off = {"rdap/verisign": replace(RDAP, rate=0.0), "whois/verisign": Limit("whois/verisign", 0.0, 0)}
    plan = plans_of({"com": 10}, off)["com"]

    assert (plan.registry, plan.method, plan.wanted_queries) == ("", "", 0.0)
    assert isinf(plan.latency.typical)
    assert isinf(plan.in_window.worst)
    assert plan.calm.worst == 3600.0


def test_names_out_of_the_zone_wait_for_what_windows_leave() -> None:
    """Of a day's quota only the share of queries that can wait, and what windows leave of it, which take up to 0.8 x 0.75."""
    rules = replace(RULES, days=10_000.0)
    limits = {"rdap/verisign": replace(RDAP, rate=0.1, per_day=None)}
    rate = plans_of({"com": 1_000_000}, limits, rules)["com"]
    demand = find_demand("com", 1_000_000, rules)
    left = 0.1 - demand.inside / rate.in_window.worst * COM_HOURS / DAY
    assert rate.out_of_zone.worst == pytest.approx((demand.gone - demand.inside) / left)
    assert rate.unseen.worst == pytest.approx(rate.out_of_zone.worst * (1 + JITTER))

    limits = {"rdap/verisign": replace(RDAP, rate=10.0, per_day=86_400)}
    quota = plans_of({"com": 1_000_000}, limits, rules)["com"]
    assert quota.out_of_zone.worst == pytest.approx((demand.gone - demand.inside) / 0.4)
    few = plans_of({"com": 1_000_000}, limits, replace(RULES, days=1_000_000.0))["com"]
    assert few.out_of_zone.worst == pytest.approx((demand.gone - 1) / 0.5)
    assert quota.registry_queries == 86_400


def test_suffixes_of_one_registry_share_its_budget_and_the_biggest_comes_first() -> None:
    """What one wants the other waits for."""
    plans = plans_of({"net": 10_000, "com": 1_000_000})

    assert list(plans) == ["com", "net"]
    assert plans["com"].in_window == plans["net"].in_window
    assert plans["com"].wanted_queries == plans["net"].wanted_queries
