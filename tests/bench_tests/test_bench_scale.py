"""The planning model says of a list what the simulated core does with it."""

from __future__ import annotations

import math

import pytest

from common.core.model.limit import Limit
from tests.bench import longlist, longlist_units
from tests.bench.scale_mix import ALL_COM, OTHERS, PUBLIC, Share, parse_mix
from tests.bench.scale_model import Plan, RecordAges, find_traffic, record_rate, routine_rate
from tests.sim.long_list import LongList

HOUR, DAY = 3600.0, 86_400.0


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("names", "free", "seconds"), [(10_000, False, 1500.0), (100_000, False, 300.0), (100_000, True, 300.0)]
)
def test_the_model_says_what_the_simulated_core_does(names: int, free: bool, seconds: float) -> None:
    """Questions by operator, rows and blocks of last looks, within the bound; with the budgets, and without."""
    plan = longlist.plan_of(names, free=free)
    world = LongList(longlist.parts_of(plan), limits=dict(plan.limits))
    world.run(longlist.BEFORE)
    world.mix_queues()
    world.reset_counts()
    world.run(seconds)
    found, said = world.rates(), longlist.expect(find_traffic(plan))

    compared = {key: (found.get(key, 0.0) / seconds, value) for key, value in said.items()}
    off = {key: pair for key, pair in compared.items() if abs(pair[0] / pair[1] - 1) > longlist.BOUND}
    enough = {key for key, value in said.items() if value * seconds >= longlist.FEW}
    assert {"looks", "rows", "blocks", "dns/gtld-servers"} <= enough
    assert "records" in enough or names < 100_000
    assert not enough.intersection(off), off


@pytest.mark.simulation
def test_a_name_takes_as_many_bytes_of_the_columns_as_the_model_says() -> None:
    """The arrays of the table, the schedule and the index of names."""
    world = LongList(longlist.parts_of(longlist.plan_of(100_000, free=True)))
    assert longlist.column_bytes(world) / 100_000 == pytest.approx(longlist_units.column_bytes(100_000), rel=longlist.BOUND)


def test_the_budget_of_an_operator_is_shared_by_its_suffixes() -> None:
    """The names of com and net have the same name servers and registry; what RDAP has no room for goes to WHOIS."""
    traffic = find_traffic(Plan(names=1_000_000, mix=(Share("com", 0.5, 13), Share("net", 0.5, 13))))
    assert [(one.name, one.allowed, one.asked) for one in traffic.dns] == [("dns/gtld-servers", 26.0, 26.0)]
    assert [(one.name, one.allowed) for one in traffic.registry] == [("rdap/verisign", 1.0), ("whois/verisign", 0.2)]


def test_a_second_address_doubles_what_is_asked_until_nothing_more_is_wanted() -> None:
    """A million names an hour are 272 questions a second, of which each address is allowed 26."""
    plans = [Plan(names=1_000_000, mix=ALL_COM, egresses=count) for count in (1, 2, 11, 100)]
    asked = [find_traffic(plan).dns[0] for plan in plans]
    assert [round(one.asked) for one in asked] == [26, 52, 272, 272]
    assert [one.egresses for one in asked[:1]] == [11]


def test_names_out_of_the_zone_are_checked_at_their_interval_even_where_no_answer_comes() -> None:
    """So their rows are written, however little the registry allows."""
    traffic = find_traffic(Plan(names=1_000_000, mix=ALL_COM, gone=0.02))
    assert traffic.records == pytest.approx(1.2)
    assert traffic.rows == pytest.approx(20_000 / HOUR + 0.2)


def test_a_budget_of_nothing_is_never_enough() -> None:
    """No number of addresses lets an operator be asked that is switched off."""
    plan = Plan(names=1000, mix=ALL_COM, limits={"dns/gtld-servers": Limit("dns/gtld-servers", 0.0, 0, None)})
    zone = find_traffic(plan).dns[0]
    assert (zone.asked, zone.egresses) == (0.0, 0)
    assert math.isinf(find_traffic(plan).round_trip)


def test_routine_questions_take_half_of_a_quota() -> None:
    """The other half of the day's questions is kept for names that may drop."""
    assert routine_rate(Limit("a", 1.0, 1, None)) == 1.0
    assert routine_rate(Limit("a", 1.0, 1, 500)) == pytest.approx(250 / DAY)


def test_records_are_read_by_their_expiry_dates_and_at_a_look() -> None:
    """Weekly with a date and without, and never more often than the name is looked at; other ages can be given."""
    ages = RecordAges(((14.0, 0.5), (60.0, 1.0), (365.0, 7.0)), 2.0)
    assert DAY * record_rate(HOUR, dated=True) == pytest.approx(1 / 7, rel=0.03)
    assert DAY * record_rate(HOUR, dated=False) == pytest.approx(1 / 7, rel=0.03)
    assert DAY * record_rate(HOUR, dated=True, ages=ages) == pytest.approx(305 / 365 / 7 + 46 / 365 + 28 / 365, rel=0.03)
    assert DAY * record_rate(HOUR, dated=False, ages=ages) == pytest.approx(0.5, rel=0.03)
    assert DAY * record_rate(50 * DAY, dated=True) == pytest.approx(1 / 50)


def test_names_with_priority_are_looked_at_by_their_own_interval() -> None:
    """One name in a hundred every five minutes is as much as eleven more in a hundred every hour."""
    plain, urgent = (sum(one.wanted for one in find_traffic(Plan(names=10_000, priority=share)).dns) for share in (0.0, 0.01))
    assert urgent / plain == pytest.approx(1.11, abs=0.01)


def test_the_public_mix_covers_every_name() -> None:
    """The suffixes without a row of their own are in the others."""
    assert sum(row.share for row in PUBLIC) == pytest.approx(1.0)
    assert [row.copies for row in PUBLIC if row.suffix == OTHERS] == [40]


def test_a_mix_is_read_from_a_line() -> None:
    """Shares count in proportion; what is known of a suffix comes with it."""
    com, io = parse_mix("com=3, io=1")
    assert (com.suffix, com.share, com.addresses) == ("com", 0.75, 13)
    assert (io.suffix, io.share, io.addresses) == ("io", 0.25, 4)
    with pytest.raises(ValueError, match="no suffix with its share"):
        parse_mix("com=3,de")
