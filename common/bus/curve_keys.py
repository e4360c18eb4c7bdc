"""CURVE (ZeroMQ RFC 26): the keys of the bus and the feed, and which connections they let in."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import NamedTuple

import zmq
import zmq.auth.thread

from common.clock import pause
from common.config import Settings
from common.store.lease_contract import Addresses

_DOMAIN, _OWN_DOMAIN = "domain-monitor", "domain-monitor-instances"
#: Characters of a public key that stand for it: 64 bits.
MARK_LENGTH = 10
#: Tries to take over the address of ZAP, and seconds between two.
TRIES, BETWEEN_TRIES = 50, 0.02


class KeyPair(NamedTuple):
    """A CURVE key pair, both in Z85."""

    public: str
    secret: str


def generate_keys() -> KeyPair:
    """A new key pair from the system's random numbers."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


class CurveGate:
    """Lets clients with known keys in to the sockets it guards, and no others."""

    def __init__(self, secret: str, keys: Iterable[str]) -> None:
        """`secret` is the server's key (Z85); its public one is always let in: processes of the same host use it."""
        self._secret = secret.encode()
        self._own = zmq.curve_public(self._secret)
        self._known = {self._own, *(key.encode() for key in keys)}
        self._thread = _start_authenticator()
        self._thread.configure_curve_callback(domain=_DOMAIN, credentials_provider=self)
        self._thread.configure_curve_callback(domain=_OWN_DOMAIN, credentials_provider=self)

    def mark_of(self, key: str) -> str:
        """The beginning of a client's public key (Z85), enough to tell it from others; "" for the server's own."""
        return "" if key.encode() == self._own else key[:MARK_LENGTH]

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether the client with this key (Z85) may connect; pyzmq sets the signature."""
        return key == self._own if domain == _OWN_DOMAIN else key in self._known

    def guard(self, socket: zmq.Socket[bytes], *, own_key_only: bool = False) -> None:
        """Make a socket a CURVE server; call it before it is bound. `own_key_only`: for the instances of this store alone."""
        socket.curve_secretkey = self._secret
        socket.curve_publickey = zmq.curve_public(self._secret)
        socket.curve_server = True
        socket.zap_domain = (_OWN_DOMAIN if own_key_only else _DOMAIN).encode()
        # Without an authenticator CURVE lets any key in; this keeps it shut even if the authenticator dies.
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

    def close(self) -> None:
        """Stop answering; call it after the sockets are closed."""
        self._thread.stop()


def _start_authenticator() -> zmq.auth.thread.ThreadAuthenticator:
    """Start the thread that answers for ZAP (ZeroMQ RFC 27); raises zmq.ZMQError where another one goes on answering.

    Its address is one for the process, and a closed socket gives it up a little later: an actor that starts again waits for it.
    """
    for _ in range(TRIES):
        thread = zmq.auth.thread.ThreadAuthenticator(zmq.Context.instance())
        try:
            thread.start()
        except zmq.ZMQError as error:
            thread.stop()
            if error.errno != zmq.EADDRINUSE:
                raise
            pause(BETWEEN_TRIES)
        else:
            return thread
    raise zmq.ZMQError(zmq.EADDRINUSE)


def use_client_keys(socket: zmq.Socket[bytes], settings: Settings, server_key: str = "") -> None:
    """Make a socket a CURVE client where this host has a key.

    The server's is `server_key` (Z85), else BUS_SERVER_KEY; without either the coordinator has the key of this host.
    """
    if settings.bus_secret_key:
        secret = settings.bus_secret_key.encode()
        socket.curve_secretkey = secret
        socket.curve_publickey = zmq.curve_public(secret)
        socket.curve_serverkey = (server_key or settings.bus_server_key or zmq.curve_public(secret).decode()).encode()


def inner_feed_keys(settings: Settings, addresses: Addresses) -> Settings | None:
    """The settings with the keys of a leader's inner feed; None where only its own host reaches it, and it is open."""
    return settings if addresses.outside or addresses.feed.startswith("tcp://") else None


def public_key(settings: Settings) -> str:
    """The public key (Z85) of this host's secret one; "" where it has none."""
    return zmq.curve_public(settings.bus_secret_key.encode()).decode() if settings.bus_secret_key else ""


def feed_keys(settings: Settings) -> Settings | None:
    """The settings with the keys of the public feed; None where it is open: on loopback, on ipc, or without BUS_SECRET_KEY."""
    host = settings.feed_endpoint.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    inside = not settings.feed_endpoint.startswith("tcp://") or host == "localhost" or _is_loopback(host)
    return settings if settings.bus_secret_key and not inside else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
