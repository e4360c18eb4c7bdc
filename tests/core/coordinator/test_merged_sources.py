"""The rows about sources of several shards as one list."""

from __future__ import annotations

from typing import Any

import msgspec

from common.core.coordinator.merged_sources import merge_sources
from common.core.model.source_row import Configured, Entitled, SourceBudget, SourceRow, SourceTrust, Trusted


def source(**changes: Any) -> SourceRow:
    """One source with a limit."""
    row = {"method": "registrar:x", "title": "X", "server": "api.x", "configured": Configured.YES, "proves": "p"}
    return SourceRow(**{**row, **changes})


def merged_source(*rows: SourceRow) -> SourceRow:
    """These rows of one source as one."""
    (row,) = merge_sources([msgspec.to_builtins(row) for row in rows])
    return msgspec.convert(row, SourceRow)


def test_sources_are_listed_once_in_the_order_of_the_first_shard() -> None:
    """A row of another form is left out."""
    one, two = msgspec.to_builtins(source()), msgspec.to_builtins(source(server="api.y"))
    assert merge_sources([two, {"method": 7}, one, two]) == [two, one]


def test_a_source_has_what_is_left_in_all_shards_that_asked_it() -> None:
    """One that did not ask yet shows the limit itself; the allowance of a day is one."""
    part = SourceBudget(
        rate=1.0, tokens=2.0, used_today=3, per_day=50, operators=1, blocked=1, blocked_until=80.0, reason="slow"
    )
    open_part = SourceBudget(rate=1.5, tokens=2.0, used_today=4, per_day=50, operators=1)
    idle = SourceBudget(rate=9.0, per_day=50)
    found = merged_source(source(budget=part), source(budget=open_part), source(budget=idle)).budget
    assert found == SourceBudget(rate=2.5, tokens=4.0, used_today=7, per_day=50, operators=1, blocked=1, reason="slow")
    later = SourceBudget(rate=1.0, tokens=0.0, operators=1, blocked=1, blocked_until=90.0)
    assert merged_source(source(budget=part), source(budget=later)).budget.blocked_until == 80.0
    assert merged_source(source(budget=idle), source(budget=idle)).budget == idle


def test_a_method_with_many_operators_has_those_of_all_shards() -> None:
    """Its rate is nothing that could be said in one number."""
    part = SourceBudget(used_today=3, operators=5, blocked=1, reason="slow")
    assert merged_source(source(budget=part), source(budget=part)).budget == SourceBudget(
        used_today=6, operators=10, blocked=2, reason="slow"
    )


def test_a_source_that_serves_one_shard_serves_us() -> None:
    """It refuses us where all that asked were refused; with the words of that shard."""
    yes, no = (
        source(entitled=Entitled.YES, last_success=7.0),
        source(entitled=Entitled.NO, entitled_reason="403", trouble="refused"),
    )
    unknown = source(entitled_reason="not asked")
    found = merged_source(no, yes)
    assert (found.entitled, found.entitled_reason, found.last_success, found.trouble) == (Entitled.YES, "", 7.0, "refused")
    assert (merged_source(unknown, no).entitled, merged_source(unknown, no).entitled_reason) == (Entitled.NO, "403")
    assert (merged_source(unknown, unknown).entitled, merged_source(unknown).entitled_reason) == (Entitled.UNKNOWN, "not asked")
    assert merged_source(unknown).last_success is None


def test_the_first_words_on_a_source_stand() -> None:
    """Of the first shard, or of the first that has any."""
    silent, speaking = (
        source(entitled=Entitled.NO, terms="a"),
        source(entitled=Entitled.NO, entitled_reason="403", trouble="refused", terms="b", budget=SourceBudget(reason="slow")),
    )
    found = merged_source(silent, speaking)
    assert (found.terms, found.entitled_reason, found.trouble, found.budget.reason) == ("a", "403", "refused", "slow")


def test_the_channels_of_a_source_are_seen_together() -> None:
    """It is in quarantine until the last of them is out, else verified where one is; as one coordinator shows its channels."""
    verified = SourceTrust(state=Trusted.VERIFIED, verified=2, channels=3)
    caught = [SourceTrust(state=Trusted.QUARANTINED, channels=1, quarantined_until=at, reason=str(at)) for at in (5.0, 9.0)]
    found = merged_source(source(trust=SourceTrust(channels=1)), source(trust=verified)).trust
    assert found == SourceTrust(state=Trusted.VERIFIED, verified=2, channels=4)
    found = merged_source(*(source(trust=each) for each in (verified, *caught))).trust
    assert found == SourceTrust(state=Trusted.QUARANTINED, verified=2, channels=5, quarantined_until=9.0, reason="9.0")
    assert merged_source(source(), source()).trust == SourceTrust()
