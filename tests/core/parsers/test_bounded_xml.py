"""XML from untrusted servers: a tree, or ValueError."""

from __future__ import annotations

import tracemalloc
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.parsers import bounded_xml
from common.core.parsers.bounded_xml import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_NAME,
    MAX_PIECE,
    find_child,
    find_children,
    local_name,
    namespace_of,
    parse_bounded_xml,
    read_text,
)

LIMIT = 256 * 1024
BOMB = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
OUTSIDE = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'


def test_a_document_is_read_with_its_names_texts_and_attributes() -> None:
    """Prefixes do not count, namespaces can be told."""
    root = parse_bounded_xml(b'\xef\xbb\xbf<a xmlns:p="urn:x"><p:b n="1"> one\n two </p:b><b>3</b><c/></a>', LIMIT)

    first, second = find_children(root, "b")
    assert (local_name(first), namespace_of(first), namespace_of(second)) == ("b", "urn:x", "")
    assert (read_text(first), read_text(first, 3), first.get("n"), read_text(second)) == ("one two", "one", "1", "3")
    assert find_child(root, "c") is root[2]
    assert read_text(find_child(root, "c")) == ""


def test_what_is_missing_is_no_error() -> None:
    """A path that ends early leads to nothing."""
    root = parse_bounded_xml(b"<a><b/></a>", LIMIT)

    assert find_child(root) is root
    assert find_child(root, "b", "c", "d") is None
    assert find_children(None, "b") == []
    assert read_text(None) == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no element"),
        (b"<a>", "no element"),
        (b"plain text", "syntax"),
        (b"<a/><b/>", "junk"),
        (b"<a>\x00</a>", "token"),
        (b"<a>\xff</a>", "utf-8"),
        (b'<a b="1" b="2"/>', "duplicate"),
        (b"<p:a/>", "prefix"),
        (b"<a>&b;</a>", "entity"),
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        (b"<!DOCTYPE a><a/>", "document type"),
        ("<a/>".encode("utf-16"), "utf-8"),
    ],
)
def test_what_is_not_plain_xml_is_refused(data: bytes, words: str) -> None:
    """A document type is refused as such: entities and outside things need one."""
    with pytest.raises(ValueError, match=words):
        parse_bounded_xml(data, LIMIT)


def test_the_encoding_that_a_document_names_does_not_count() -> None:
    """Only UTF-8 is read, so that no decoder of a server's choice runs."""
    assert read_text(parse_bounded_xml('<?xml version="1.0" encoding="utf-16"?><a>ü</a>'.encode(), LIMIT)) == "ü"


@pytest.mark.parametrize(
    ("fits", "too_much", "words"),
    [
        (b"<a/>" + b" " * 6, b"<a/>" + b" " * 7, "11 bytes, at most 10"),
    ],
)
def test_bytes_are_counted(fits: bytes, too_much: bytes, words: str) -> None:
    """The limit itself is allowed."""
    parse_bounded_xml(fits, 10)
    with pytest.raises(ValueError, match=words):
        parse_bounded_xml(too_much, 10)


def nested(depth: int) -> bytes:
    """Elements inside each other."""
    return b"<a>" * depth + b"</a>" * depth


@pytest.mark.parametrize(
    ("fits", "too_much", "words"),
    [
        (nested(MAX_DEPTH), nested(MAX_DEPTH + 1), "deeper"),
        (
            b"<a>" + b"<b/>" * (MAX_ELEMENTS - 1) + b"</a>",
            b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>",
            "elements",
        ),
        (b"<" + b"a" * MAX_NAME + b"/>", b"<" + b"a" * (MAX_NAME + 1) + b"/>", "name"),
        (b"<x " + b"a" * MAX_NAME + b'=""/>', b"<x " + b"a" * (MAX_NAME + 1) + b'=""/>', "name"),
        (b"<a>" + b"b" * (MAX_PIECE - 2) + b"</a>", b"<a>" + b"b" * (MAX_PIECE - 1) + b"</a>", "a tag or a text"),
    ],
)
def test_each_bound_holds_to_the_last_unit(fits: bytes, too_much: bytes, words: str) -> None:
    """What just fits is read, one more is refused."""
    assert isinstance(parse_bounded_xml(fits, LIMIT), Element)
    with pytest.raises(ValueError, match=words):
        parse_bounded_xml(too_much, LIMIT)


def test_siblings_are_not_depth() -> None:
    """The depth shrinks with every end of an element."""
    siblings = b"<b><c/></b>" * (MAX_DEPTH * 2)

    parse_bounded_xml(b"<a>" + siblings + b"</a>", LIMIT)
    with pytest.raises(ValueError, match="deeper"):
        parse_bounded_xml(b"<a>" + siblings + nested(MAX_DEPTH) + b"</a>", LIMIT)


def test_a_text_is_cut_to_what_a_reading_holds() -> None:
    """300 characters unless it is said otherwise."""
    assert len(read_text(parse_bounded_xml(b"<a>" + b"b" * 1000 + b"</a>", LIMIT))) == 300


@pytest.mark.parametrize(
    "data",
    [
        b'<a xmlns:p="' + b"u" * 4000 + b'">' + b"".join(b"<p:e%d/>" % n for n in range(8000)) + b"</a>",
        b'<a xmlns:p="' + b"u" * 4000 + b'"><b ' + b"".join(b'p:e%d="" ' % n for n in range(400)) + b"/></a>",
    ],
)
def test_a_short_prefix_for_a_long_namespace_does_not_grow(data: bytes) -> None:
    """A document of 100 KiB that would become 30 MiB of names is refused at the first of them."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="name of more than"):
            parse_bounded_xml(data, LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=400) | st.text(alphabet="<>/!&;\"'=[]?-:ax CDATADOCTYPEENTITY\n", max_size=200).map(str.encode))
def test_any_bytes_give_a_tree_or_value_error(data: bytes) -> None:
    """No other exception leaves the parser."""
    try:
        root = parse_bounded_xml(data, 300)
    except ValueError:
        return
    assert isinstance(root, Element)


@given(st.data())
def test_any_change_of_a_good_document_gives_a_tree_or_value_error(data: st.DataObject) -> None:
    """A byte that is changed, lost or doubled is no crash."""
    good = bytearray(b'<?xml version="1.0"?><a xmlns:p="urn:x"><p:b n="1">t<!-- c --><![CDATA[<d>]]></p:b></a>')
    place = data.draw(st.integers(0, len(good) - 1))
    good[place : place + 1] = data.draw(st.binary(max_size=3))
    try:
        root = parse_bounded_xml(bytes(good), 300)
    except ValueError:
        return
    assert isinstance(root, Element)


def test_the_bounds_fit_an_answer_about_fifty_names() -> None:
    """Fifty names with prices need far less."""
    assert bounded_xml.MAX_ELEMENTS >= 50 * 16
