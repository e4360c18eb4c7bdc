"""Rate limits stated in the fields of an answer: the wait where nothing is left, and never one that cannot be meant."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Quota
from common.core.parsers.rate_limit_fields import parse_quota, stated_rate

NOW = 1_800_000_000.0


@pytest.mark.parametrize("prefix", ["x-ratelimit-", "x-rate-limit-", "ratelimit-"])
def test_the_wait_is_told_where_no_call_is_left(prefix: str) -> None:
    """In any of the spellings."""
    assert parse_quota({f"{prefix}remaining": "0", f"{prefix}reset": "30"}, NOW) == Quota(wait=30.0)


@pytest.mark.parametrize(
    ("left", "reset", "wait"),
    [
        ("0", "30", 30.0),
        (" 0 ", " 30 ", 30.0),
        ("0;w=60", "30;w=60", 30.0),
        ("0.5", "1.5", 1.5),
        ("0", "1", 1.0),
        ("0", "0.5", 0.5),
        ("0", "86400", 86_400.0),
        ("0", "86400.1", None),
        ("0", "86401", None),
        ("0", "1800000020", 20.0),
        ("0", "1800000000", None),
        ("0", "1799999999", None),
        ("0", "1800086400", 86_400.0),
        ("0", "1800086401", None),
        ("0", "1000000000", None),
        ("0", "0", None),
        ("1", "30", None),
        ("0.99", "30", 30.0),
        ("5", "30", None),
        ("-1", "30", None),
        ("0", "-30", None),
        ("", "30", None),
        ("0", "", None),
        ("none", "30", None),
        ("0", "soon", None),
        ("0", "٣", None),
        ("0", None, None),
        (None, "30", None),
    ],
)
def test_only_a_wait_that_can_be_meant_is_told(left: str | None, reset: str | None, wait: float | None) -> None:
    """Up to a day, in seconds or as the moment when it ends."""
    fields = {"x-ratelimit-remaining": left, "x-ratelimit-reset": reset}
    headers = {key: value for key, value in fields.items() if value is not None}

    assert parse_quota(headers, NOW) == (None if wait is None else Quota(wait=wait))


def test_a_moment_needs_to_know_the_time() -> None:
    """Without a clock only seconds are read; of two spellings the one that can be read counts."""
    moment = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000020"}

    assert parse_quota(moment, None) is None
    assert parse_quota({**moment, "x-ratelimit-reset": "1000000000"}, 999_999_990.0) is None
    assert parse_quota({**moment, "ratelimit-remaining": "0", "ratelimit-reset": "7"}, None) == Quota(wait=7.0)


def test_a_spelling_of_which_half_is_missing_does_not_hide_another() -> None:
    """Nor does one of which calls are left."""
    whole = {"ratelimit-remaining": "0", "ratelimit-reset": "7"}

    assert parse_quota({"x-ratelimit-remaining": "0", **whole}, NOW) == Quota(wait=7.0)
    assert parse_quota({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "9", **whole}, NOW) == Quota(wait=7.0)
    assert parse_quota({}, NOW) is None


@pytest.mark.parametrize(
    ("calls", "seconds", "rate"),
    [
        (1, 10, 0.1),
        (10, 10, 1.0),
        (1200, 300, 4.0),
        (0.5, 1, 0.5),
        (1_000_000, 1, 1_000_000.0),
        (1_000_001, 1, None),
        (1, 86_400, 1 / 86_400),
        (1, 86_401, None),
        (0, 10, None),
        (1, 0, None),
        (-1, 10, None),
        (1, -10, None),
        (float("nan"), 10, None),
        (1, float("inf"), None),
    ],
)
def test_a_stated_rate_is_in_calls_per_second(calls: float, seconds: float, rate: float | None) -> None:
    """Within bounds that can be meant."""
    assert stated_rate(calls, seconds) == (None if rate is None else Quota(rate=rate))
