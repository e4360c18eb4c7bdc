"""EPP frames and commands: what goes on the wire."""

from __future__ import annotations

import pytest

from common.core.parsers.bounded_xml import find_child, find_children, namespace_of, parse_bounded_xml, read_text
from common.core.parsers.epp.commands import make_check, make_hello, make_login, make_logout
from common.core.parsers.epp.frames import FRAME_LIMIT, MOST_NAMES, make_frame, read_header
from common.core.parsers.epp.responses import Greeting
from tests.core.parsers.epp_samples import DOMAIN, EPP, FEE


def tree(message: bytes):
    """A command as a server reads it."""
    root = parse_bounded_xml(message, FRAME_LIMIT)
    assert namespace_of(root) == EPP
    return root


def test_a_frame_begins_with_its_length_and_counts_the_header() -> None:
    """RFC 5734 section 4."""
    assert make_frame(b"<epp/>") == b"\x00\x00\x00\x0a<epp/>"
    assert read_header(b"\x00\x00\x00\x0a") == 6


@pytest.mark.parametrize(
    "header", [b"\0\0\0\0", b"\0\0\0\4", b"\xff\xff\xff\xff", b"", b"\0\0\1", b"\1\0\0", b"\0\0\0\1\0", b"HTTP"]
)
def test_a_length_that_no_message_has_is_refused(header: bytes) -> None:
    """Too short, too long, cut off, or the words of another protocol."""
    with pytest.raises(ValueError, match="a frame of"):
        read_header(header)


def test_the_largest_frame_is_accepted_and_one_byte_more_is_not() -> None:
    """The bound counts the message without its header; the smallest message has one byte."""
    assert read_header(b"\0\0\0\5") == 1
    assert read_header((FRAME_LIMIT + 4).to_bytes(4, "big")) == FRAME_LIMIT
    with pytest.raises(ValueError, match="at most"):
        read_header((FRAME_LIMIT + 5).to_bytes(4, "big"))


def test_hello_is_empty() -> None:
    """RFC 5730 section 2.3."""
    assert find_child(tree(make_hello()), "hello") is not None


def test_a_login_takes_what_the_greeting_offers() -> None:
    """Language, objects and extensions, in their order; the credentials are quoted."""
    greeting = Greeting("", "de", (DOMAIN, "urn:host"), (FEE, "urn:sec"))
    root = tree(make_login("us<er", "p&\"'>w", greeting, "dm-1"))
    login = find_child(root, "command", "login")

    assert [read_text(find_child(login, name)) for name in ("clID", "pw")] == ["us<er", "p&\"'>w"]
    assert [read_text(each) for each in find_child(login, "options")] == ["1.0", "de"]
    services = find_child(login, "svcs")
    assert [read_text(each) for each in find_children(services, "objURI")] == [DOMAIN, "urn:host"]
    assert [read_text(each) for each in find_child(services, "svcExtension")] == [FEE, "urn:sec"]
    assert read_text(find_child(root, "command", "clTRID")) == "dm-1"


SECURITY = "urn:ietf:params:xml:ns:epp:loginSec-1.0"


@pytest.mark.parametrize(
    ("password", "extensions", "aside"),
    [("p" * 16, (SECURITY,), False), ("p&" * 9, (SECURITY,), True), ("p" * 17, (FEE,), False)],
)
def test_a_long_password_goes_into_its_extension_where_the_server_has_it(password, extensions, aside: bool) -> None:
    """RFC 8807: a login itself has room for sixteen characters."""
    root = tree(make_login("user", password, Greeting("", "en", (DOMAIN,), extensions), "dm-1"))
    spoken = find_child(root, "command", "extension", "loginSec")

    assert read_text(find_child(root, "command", "login", "pw")) == ("[LOGIN-SECURITY]" if aside else password)
    assert (spoken is not None) is aside
    if spoken is not None:
        assert namespace_of(spoken) == SECURITY
        assert read_text(find_child(spoken, "pw")) == password
    assert [each.tag.rpartition("}")[2] for each in root[0]][-1] == "clTRID"


def test_a_login_without_extensions_names_none() -> None:
    """An empty svcExtension would not be valid."""
    root = tree(make_login("user", "password", Greeting("", "en", (DOMAIN,), ()), "dm-1"))

    assert find_child(root, "command", "login", "svcs", "svcExtension") is None


@pytest.mark.parametrize("fee", [True, False])
def test_a_check_asks_for_names_and_for_prices_only_where_the_server_knows_them(fee: bool) -> None:
    """RFC 5731 section 3.1.1 and RFC 8748 section 5.1.1."""
    root = tree(make_check(["one.example", "two.example"], "dm-2", fee=fee))
    asked, price = find_child(root, "command", "check", "check"), find_child(root, "command", "extension", "check")

    assert namespace_of(asked) == DOMAIN
    assert [read_text(each) for each in asked] == ["one.example", "two.example"]
    assert (price is not None) is fee
    if fee:
        assert namespace_of(price) == FEE
        assert find_child(price, "command").attrib == {"name": "create"}
    assert [each.tag.rpartition("}")[2] for each in find_child(root, "command")][-1] == "clTRID"


@pytest.mark.parametrize("count", [0, MOST_NAMES + 1])
def test_a_check_has_from_one_to_fifty_names(count: int) -> None:
    """No name is no question, and servers limit how many they take."""
    with pytest.raises(ValueError, match=f"{count} names"):
        make_check(["a.example"] * count, "dm-1", fee=False)
    for fits in (1, MOST_NAMES):
        assert make_check(["a.example"] * fits, "dm-1", fee=False)


def test_a_logout_is_a_command() -> None:
    """RFC 5730 section 2.9.1.2."""
    assert [each.tag.rpartition("}")[2] for each in tree(make_logout("dm-3"))[0]] == ["logout", "clTRID"]
