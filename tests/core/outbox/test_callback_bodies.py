"""Bodies of callbacks: the published shape, bytes that never vary, and text that cannot break them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.outbox.callback_bodies import LIMIT, event_id, notice_body, result_body

VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    max_leaves=20,
)


def test_a_result_has_exactly_the_published_form() -> None:
    """Field by field, in this order."""
    body = result_body("a.com", "rdap", "registered", 12.5, {"registrar": "R", "expiration_date": "2027-01-31"}, 3.25)

    assert body == (
        b'{"domain":"a.com","check_type":"rdap","result":"registered","timestamp":12.5,'
        b'"details":{"expiration_date":"2027-01-31","registrar":"R"},"duration_ms":3.25}'
    )


def test_a_notice_has_exactly_the_published_form() -> None:
    """The checks stand inside an object with their time; further fields follow by name."""
    body = notice_body("a.com", "available", 0.95, 12.5, {"whois": {"b": 1}, "dns": {"a": [True]}}, reason="r", generation=4)

    assert body == (
        b'{"domain":"a.com","status":"available","confidence":0.95,"timestamp":12.5,'
        b'"checks":{"timestamp":12.5,"checks":{"dns":{"a":[true]},"whois":{"b":1}}},"generation":4,"reason":"r"}'
    )


def test_equal_values_give_equal_bytes() -> None:
    """Neither the order of a map nor of a set shows."""
    first = notice_body("a.com", "available", 1.0, 1.0, {"dns": {"x": 1, "y": {"b", "a"}}, "rdap": {}}, b=1, a=2)
    second = notice_body("a.com", "available", 1.0, 1.0, {"rdap": {}, "dns": {"y": {"a", "b"}, "x": 1}}, a=2, b=1)

    assert first == second


def test_text_is_utf_8_and_hostile_text_is_tamed() -> None:
    """Lone surrogates, NaN, huge numbers and control characters all become JSON that every parser reads."""
    details = {
        "ü": "é\x00\n\u2028",
        "s": "\ud800x",
        "n": float("nan"),
        "i": 1 << 80,
        "huge": 10**5000,
        "b": b"\xff",
        "\udfff": 1,
    }
    body = result_body("a.com", "whois", "unknown", 1.0, details, 0.0)

    assert "é".encode() in body
    assert json.loads(body)["details"] == {
        "ü": "é\x00\n\u2028", "s": "?x", "n": None, "i": None, "huge": None, "b": "\ufffd", "?": 1,
    }  # fmt: skip


@given(VALUES)
def test_any_value_becomes_bounded_json(value: Any) -> None:
    """Nothing raises, nothing grows beyond the limit, and encoding twice gives the same bytes."""
    body = notice_body("a.com", "available", 0.5, 1.0, {"dns": value}, more=value)

    assert len(body) <= LIMIT
    assert json.loads(body)["domain"] == "a.com"
    assert body == notice_body("a.com", "available", 0.5, 1.0, {"dns": value}, more=value)


def test_excerpts_are_cut_first() -> None:
    """Where the copies of answers make a body too long, everything else stays."""
    checks = {f"m{n}": {"excerpt": "x" * 2000, "reason": "y" * 250} for n in range(60)}
    body = notice_body("a.com", "available", 0.5, 1.0, checks)
    found = json.loads(body)["checks"]["checks"]

    assert len(body) <= LIMIT
    assert {check["reason"] for check in found.values()} == {"y" * 250}
    assert {len(check["excerpt"]) for check in found.values()} == {400}


@pytest.mark.parametrize("text", ["x" * 100_000, "\x00" * 100_000, "\U0001f600" * 100_000, '"' * 100_000])
def test_the_longest_texts_still_fit(text: str) -> None:
    """However the characters are escaped, the limit holds and the plain fields are there."""
    checks = {f"{n}{text[:300]}": {"excerpt": text, "list": [text] * 500, text: text} for n in range(500)}
    body = notice_body("a.com", "available", 0.5, 1.0, checks, **{f"more{n}": text for n in range(2000)})
    found = json.loads(body)

    assert len(body) <= LIMIT
    assert (found["domain"], found["status"], found["confidence"], found["timestamp"]) == ("a.com", "available", 0.5, 1.0)
    assert "checks" in found


def test_endless_nesting_ends() -> None:
    """Depth is bounded."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    body = result_body("a.com", "rdap", "unknown", 1.0, {"deep": value}, 0.0)

    assert len(body) < 200
    assert json.loads(body)["details"]["deep"][0][0] is not None


def test_the_id_depends_on_domain_generation_and_kind_alone() -> None:
    """The receiver's key for what it has seen: fixed for ever, and different for different events."""
    assert event_id("a.com", 1, "available") == "381ff25c-bc89-5b75-a053-b49b07b851f9"
    assert uuid.UUID(event_id("a.com", 1, "available")).version == 5
    assert len({event_id(d, g, k) for d in ("a.com", "b.com") for g in (1, 11) for k in ("available", "retracted")}) == 8
