"""Where a stream of certificates may be: CERTSTREAM_URL, and the addresses that a connection may lead to."""

from __future__ import annotations

import pytest

from common.clients.address_guard import StreamGuard
from common.config import load
from common.errors import ConfigError


@pytest.mark.parametrize(
    "url", ["wss://certs.example/domains-only", "ws://127.0.0.1:8080/x", "ws://10.0.0.5/x", "WS://certstream:8080/x"]
)
def test_a_url_of_a_stream_is_taken(url: str) -> None:
    """In clear text too, for this host and private networks; a name is vetted by its addresses."""
    assert str(load({"CERTSTREAM_URL": url}).certstream_url).partition(":")[2] == url.partition(":")[2]


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x",
        "a.example",
        "ws://",
        "ws://8.8.8.8/x",
        "wss://u:p@a.example/x",
        "wss://a.example/?k=1",
        "wss://a/#b",
    ],
)
def test_another_url_is_refused(url: str) -> None:
    """With the name of the setting."""
    with pytest.raises(ConfigError, match="CERTSTREAM_URL"):
        load({"CERTSTREAM_URL": url})


def test_clear_text_stays_in_private_networks() -> None:
    """Whatever a name resolves to; metadata services are nowhere allowed unless named."""
    plain, tls = (StreamGuard(load({}), clear_text=clear) for clear in (True, False))
    named = StreamGuard(load({"ALLOWED_PRIVATE_NETWORKS": "8.8.8.0/24"}), clear_text=True)

    assert [guard.allowed("8.8.8.8") for guard in (plain, tls, named)] == [False, True, True]
    assert [guard.allowed("10.0.0.5") for guard in (plain, tls)] == [True, True]
    assert [guard.allowed("127.0.0.1") for guard in (plain, tls)] == [True, True]
    assert [guard.allowed("169.254.169.254") for guard in (plain, tls)] == [False, False]
    assert [guard.allowed("nonsense") for guard in (plain, tls)] == [False, False]
