"""One small request to a process of ours: bounded, and honest about what answers."""

from __future__ import annotations

import pytest

from common.clients.local_http import fetch_local
from common.errors import ClientError
from tests.http_thread import reply, serving
from tests.lab import net


def test_the_status_and_the_whole_body_come_back() -> None:
    """Up to the bound that the caller sets: a status has more than the usual bytes."""
    body = b"x" * 300_000
    with serving(lambda handler, _: reply(handler, 200, body)) as server:
        assert fetch_local("127.0.0.1", server.server_address[1], "/", 5.0, 1 << 20) == (200, body)
        assert len(fetch_local("127.0.0.1", server.server_address[1], "/", 5.0)[1]) < 2 * 65_536


def test_nothing_that_listens_is_an_error() -> None:
    """With the reason of the system."""
    with pytest.raises(ClientError, match="refused"):
        fetch_local("127.0.0.1", net.free_port(), "/", 5.0)
