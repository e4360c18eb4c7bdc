"""What the kernel is told about a connection, and what it says of one."""

from __future__ import annotations

import socket

from common.clients.tcp_options import set_user_timeout, unacknowledged_bytes


def test_a_peer_that_acknowledges_nothing_is_given_up() -> None:
    """TCP sockets get the time in milliseconds; a socket of another kind is left alone."""
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        set_user_timeout(tcp, 30.0)
        set_user_timeout(unix, 30.0)

        assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_what_the_peer_has_not_taken_is_counted() -> None:
    """Bytes beyond the window of a peer that does not read stay unacknowledged; a closed socket has none."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(server.getsockname())
        sender, _ = server.accept()
        with sender:
            sender.setblocking(False)
            assert unacknowledged_bytes(sender) == 0
            sent = sender.send(b"x" * 1_000_000)
            assert 0 < unacknowledged_bytes(sender) <= sent
        assert unacknowledged_bytes(sender) == 0
