"""A transport for `requests` that ends at a deadline and vets where it connects to.

Its own timeouts start anew with every byte, a slow drip never ends. And the address is vetted, not the name, in the last place
before the connection: nothing that a name server says gets around it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.retry import Retry

from common.core.registries.addresses import parse_address
from common.errors import Refused


class Deadline:
    """Cuts every connection of one exchange when its time is up. Call `end` when the exchange is over."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, sock: socket.socket) -> socket.socket:
        """Take note of a new connection. Raises TimeoutError where the time is already up."""
        with self._lock:
            if self.passed:
                sock.close()
                raise TimeoutError("the deadline of the exchange has passed")
            self._sockets.append(sock.dup())  # TLS takes the original's descriptor away
        return sock

    def end(self) -> None:
        """The exchange is over."""
        self._timer.cancel()
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()

    def _pass(self) -> None:
        with self._lock:
            self.passed = True
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class DeadlineAdapter(HTTPAdapter):
    """An HTTPAdapter whose connections obey a Deadline, trust what `tls` trusts, and go where `may_connect` lets them.

    A request to a host of which no address may be connected to raises Refused.
    """

    def __init__(self, deadline: Deadline, tls: ssl.SSLContext, retry: Retry, may_connect: Callable[[str], bool]) -> None:
        self._deadline = deadline
        self._may_connect = may_connect
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=retry)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools with connections of our own."""
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._deadline, self._may_connect)


def _pools(deadline: Deadline, may_connect: Callable[[str], bool]) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return deadline.watch(_dial_vetted(self, super()._new_conn, may_connect))

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return deadline.watch(_dial_vetted(self, super()._new_conn, may_connect))

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _dial_vetted(
    connection: HTTPConnection, dial: Callable[[], socket.socket], may_connect: Callable[[str], bool]
) -> socket.socket:
    """A connection to the first address that answers, of those it may be made to. Raises Refused and urllib3's errors."""
    name = connection._dns_host  # noqa: SLF001  # urllib3's name for what it resolves; TLS and Host go by `host`
    try:
        addresses = [name] if parse_address(name) is not None else _addresses(name, connection.port)
    except (OSError, UnicodeError):
        return dial()  # which fails on it in its own words
    fitting = [address for address in addresses if may_connect(address)]
    if not fitting:
        raise Refused("no address of the host may be connected to")
    try:
        for address in fitting[:-1]:
            connection._dns_host = address  # noqa: SLF001
            with contextlib.suppress(NewConnectionError, ConnectTimeoutError):
                return dial()
        connection._dns_host = fitting[-1]  # noqa: SLF001
        return dial()
    finally:
        connection._dns_host = name  # noqa: SLF001


def _addresses(host: str, port: int | None) -> list[str]:
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
