"""Answers with a time of the future, which a clock that was ahead wrote."""

from __future__ import annotations

from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Evidence
from common.core.verdict import gates

NOW = 1_790_000_000.0
DAY = 86_400.0


def test_a_denial_of_the_future_is_not_fresh() -> None:
    """It opens no gate."""
    wanted = gates.Requirements(gap=30.0, dns_counts=True, second_channel=True)
    reading = Reading(Outcome.UNREGISTERED, "rdap_404_json", "no object")
    ahead = {"rdap": Evidence(Observation("rdap", reading), NOW + DAY, NOW + DAY - 10)}

    assert gates.positive_methods(ahead, wanted, NOW) == []
