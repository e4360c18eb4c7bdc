"""Answers of every registrar, twisted: always a reading, never a free name that the vendor did not call free."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json as wire

from common.core.model.evidence import Outcome, Reading
from common.core.parsers.registrar import PARSERS, parse_registrar_answers
from tests.core.parsers.registrars.readings import JUNK, A, B
from tests.lab.clock import LabClock
from tests.lab.faults import FaultTable
from tests.lab.model import Registry
from tests.lab.queries import QueryLog
from tests.lab.registrars.emulator import Emulator, Kind, Stand, find_emulators

VENDORS = sorted(PARSERS)
PROVES_NOTHING = {Outcome.UNKNOWN, Outcome.THROTTLED}
#: What a name is that can be bought.
FOR_SALE = {Outcome.UNREGISTERED, Outcome.PREMIUM}
#: Bodies of a wrong shape.
SHAPES = (
    *("", "null", "true", "5", '"a.com"', "[]", "{}", "[[[]]]", "[null]", "[{}]", "NaN", "[" * 90_000, '{"a":' * 40),
    '{"domains":5,"results":{},"products":"x","result":[],"items":null,"response":[],"data":1}',
    '{"domains":[5],"results":[[]],"products":[null],"items":[{}],"result":{"domains":{}},"status":[]}',
    "<html><body>available</body></html>",
)


@cache
def emulator(vendor: str) -> Emulator:
    """A vendor's emulator, for the form of its answers alone."""
    return find_emulators()[vendor](Registry(LabClock()), FaultTable(time.time), QueryLog(time.time))


def names_of(vendor: str) -> list[str]:
    """As many names as a call may carry, two at most."""
    return [A, B][: emulator(vendor).batch]


@cache
def show(vendor: str, kind: Kind, names: tuple[str, ...] = ()) -> bytes:
    """The honest answer about names of one kind."""
    body = emulator(vendor).show([Stand(name, kind) for name in names or names_of(vendor)]).body
    assert isinstance(body, bytes)
    return body


def read(vendor: str, body: bytes, status: int = 200) -> list[Reading]:
    """What an answer says about each name; every reading survives the wire, which checks its bounds."""
    names = names_of(vendor)
    readings, _ = parse_registrar_answers(vendor, status, {}, body, names)
    assert list(readings) == names
    for reading in readings.values():
        assert wire.decode(wire.encode(reading), type=Reading) == reading
    return list(readings.values())


def outcomes(vendor: str, body: bytes, status: int = 200) -> set[Outcome]:
    """The same, its outcomes alone."""
    return {reading.outcome for reading in read(vendor, body, status)}


def list_places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member and item."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from list_places(item, (*path, key))


def list_words(value: Any) -> Iterator[Any]:
    """Every key and every value that has no parts."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from list_words(item)
        yield from value if isinstance(value, dict) else ()
    else:
        yield value


def load(body: bytes) -> Any:
    """The body decoded, or None where it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None


@cache
def vocabulary() -> tuple[list[str], list[Any]]:
    """The keys and the values in answers of all vendors, without the names asked about."""
    bodies = [load(show(vendor, kind)) for vendor in VENDORS for kind in (Kind.FREE, Kind.PREMIUM, Kind.TAKEN)]
    words = {repr(word): word for body in bodies for word in list_words(body)}
    values = [word for word in words.values() if word not in (A, B)]
    return [word for word in values if isinstance(word, str)], values


def twist(body: bytes, data: st.DataObject) -> bytes:
    """The answer with members missing or of another form; without bytes where it is no JSON."""
    value = load(body)
    for _ in range(data.draw(st.integers(1, 4))):
        if value is None:
            start, length = data.draw(st.integers(0, len(body))), data.draw(st.integers(1, 40))
            body = body[:start] + body[start + length :]
        else:
            value = twist_once(value, data)
    return body if value is None else json.dumps(value).encode()


def twist_once(value: Any, data: st.DataObject) -> Any:
    """One member less or another one, in place."""
    places = list(list_places(value))
    if not places:
        return value
    *above, last = data.draw(st.sampled_from(places))
    inner = value
    for key in above:
        inner = inner[key]
    if data.draw(st.booleans()):
        del inner[last]
    else:
        inner[last] = json.loads(json.dumps(data.draw(st.sampled_from(JUNK))))
    return value


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("body", [*(shape.encode() for shape in SHAPES), b"\xff\xfe", b"\xed\xa0\x80", b"\0" * 100])
def test_a_body_of_a_wrong_shape_says_nothing(vendor: str, body: bytes) -> None:
    """Under any status for which bodies are read."""
    for status in (200, 400, 404, 422):
        assert outcomes(vendor, body, status) <= PROVES_NOTHING


@pytest.mark.parametrize("vendor", VENDORS)
def test_only_a_status_of_200_can_prove_anything(vendor: str) -> None:
    """Whatever the body says."""
    for status in {*range(1000)} - {200}:
        assert outcomes(vendor, show(vendor, Kind.FREE), status) <= PROVES_NOTHING, status


@pytest.mark.parametrize("vendor", [vendor for vendor in VENDORS if emulator(vendor).repeats_names])
def test_an_answer_about_other_names_says_nothing(vendor: str) -> None:
    """Longer, shorter, or another altogether."""
    for name in ("other.com", f"www.{A}", f"not-{A}", "a.co"):
        assert outcomes(vendor, show(vendor, Kind.FREE, (name,))) <= PROVES_NOTHING, name


@pytest.mark.parametrize("vendor", VENDORS)
@given(st.data())
@settings(max_examples=15, deadline=None)
def test_bytes_without_sense_say_nothing(vendor: str, data: st.DataObject) -> None:
    """Under any status, with any headers."""
    body, status = data.draw(st.binary(max_size=300) | st.text(max_size=300).map(encode)), data.draw(st.integers(0, 999))
    headers = data.draw(
        st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-reset", "x-ratelimit-remaining"]), st.text())
    )
    readings, _ = parse_registrar_answers(vendor, status, headers, body, names_of(vendor), 1.8e9)

    assert {reading.outcome for reading in readings.values()} <= PROVES_NOTHING


def encode(text: str) -> bytes:
    """A text with whatever surrogates it has."""
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("vendor", VENDORS)
@given(st.data())
@settings(max_examples=30, deadline=None)
def test_words_of_all_vendors_in_any_order_name_no_name(vendor: str, data: st.DataObject) -> None:
    """An answer that does not name what was asked about cannot call it free."""
    keys, values = vocabulary()
    leaves = st.sampled_from([*values, *JUNK])
    nested = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(keys), inner, max_size=6),
        max_leaves=30,
    )
    found = outcomes(vendor, json.dumps(data.draw(nested)).encode())

    if emulator(vendor).repeats_names:
        assert found <= PROVES_NOTHING


@pytest.mark.parametrize("vendor", VENDORS)
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_missing_from_the_answer_makes_no_name_free(vendor: str, data: st.DataObject) -> None:
    """A taken name is not for sale, however its answer is cut and twisted."""
    body = twist(show(vendor, data.draw(st.sampled_from([Kind.TAKEN, Kind.RESERVED, Kind.INVALID, Kind.UNSUPPORTED]))), data)

    assert not outcomes(vendor, body) & FOR_SALE, body


@pytest.mark.parametrize("vendor", VENDORS)
@given(st.data())
@settings(max_examples=30, deadline=None)
def test_a_twisted_answer_about_a_free_name_is_still_read(vendor: str, data: st.DataObject) -> None:
    """Whatever is left of it; its price is in bounds or not told."""
    assert all(reading.reason for reading in read(vendor, twist(show(vendor, data.draw(st.sampled_from(list(Kind)))), data)))


def honest_kinds(vendor: str, kinds: Sequence[Kind]) -> list[set[Outcome]]:
    """What the honest answers of these kinds say."""
    return [outcomes(vendor, show(vendor, kind)) for kind in kinds]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_answers_that_are_twisted_are_understood(vendor: str) -> None:
    """Else twisting them would prove nothing."""
    free, taken = honest_kinds(vendor, [Kind.FREE, Kind.TAKEN])

    assert free == {Outcome.UNREGISTERED}
    assert taken <= {Outcome.UNAVAILABLE, Outcome.REGISTERED}
