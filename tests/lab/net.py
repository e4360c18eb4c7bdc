"""Addresses of this machine, and one free port shared by many of them.

They are on loopback. For containers, which have a loopback of their own, LAB_HEAD sets another first number, whose addresses
have been made this machine's (`tests.containers`).

The product asks every authoritative server on one port (`DNS_PORT`), so a group of addresses must agree on a number: the
first gets any free port, the others the same; on a collision all start again.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterable

HOST = "127.0.0.1"
#: The first number of the addresses of all servers, and the second ones in use.
HEAD = os.environ.get("LAB_HEAD", "127")
SECONDS = (43, 44, 53, 70, 80, 81, 90)
ROOT_DNS = f"{HEAD}.53.0.1"
HOSTING_DNS = {"ns1.lab-hosting.com": f"{HEAD}.53.2.1", "ns2.lab-hosting.com": f"{HEAD}.53.2.2"}
PARKING_DNS = {"ns1.lab-parking.org": f"{HEAD}.53.2.3", "ns2.lab-parking.org": f"{HEAD}.53.2.4"}
WEB = f"{HEAD}.90.0.1"
PARKING_WEB = f"{HEAD}.90.0.2"
WILDCARD_WEB = f"{HEAD}.90.0.3"
BOOTSTRAP = f"{HEAD}.80.0.1"
PUBLICATIONS = f"{HEAD}.80.1.1"
CERTSTREAM = f"{HEAD}.80.1.2"
ZONE_TRANSFERS = f"{HEAD}.53.3.1"
IANA_WHOIS = f"{HEAD}.43.0.1"
ELSEWHERE_WHOIS = f"{HEAD}.43.1.1"
CUSTOMER = f"{HEAD}.70.0.1"
_ATTEMPTS = 50


def dns_addresses(number: int) -> tuple[str, str]:
    """The two name servers of suffix `number`: an alarm is confirmed at a second address."""
    return f"{HEAD}.53.0.{number}", f"{HEAD}.53.1.{number}"


def rdap_address(operator: int) -> str:
    """Where the operator's RDAP server listens."""
    return f"{HEAD}.80.0.{operator}"


def whois_address(operator: int) -> str:
    """Where the operator's WHOIS server listens."""
    return f"{HEAD}.43.0.{operator}"


def registrar_address(number: int) -> str:
    """Where the API of a registrar listens."""
    return f"{HEAD}.81.0.{number + 1}"


def das_address(number: int) -> str:
    """Where the availability service of suffix `number` listens."""
    return f"{HEAD}.44.0.{number}"


def epp_address(operator: int) -> str:
    """Where the operator's EPP server listens."""
    return f"{HEAD}.70.1.{operator}"


def tcp_socket(address: str, port: int = 0) -> socket.socket:
    """A listening TCP socket. Raises OSError where the address is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    return _bound(sock, address, port, listen=True)


def _udp_socket(address: str, port: int) -> socket.socket:
    return _bound(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), address, port, listen=False)


def _bound(sock: socket.socket, address: str, port: int, *, listen: bool) -> socket.socket:
    try:
        sock.setblocking(False)
        if listen:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        if listen:
            sock.listen(512)
    except OSError:
        sock.close()
        raise
    return sock


def reset(transport: asyncio.BaseTransport) -> None:
    """End a connection with an RST instead of an orderly close."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def tcp_group(addresses: Iterable[str]) -> tuple[int, dict[str, socket.socket]]:
    """Listening sockets on one common port: (port, address -> socket)."""
    port, tcp, _ = _group(list(addresses), udp=False)
    return port, tcp


def dns_group(addresses: Iterable[str]) -> tuple[int, dict[str, socket.socket], dict[str, socket.socket]]:
    """TCP and UDP sockets on one common port: (port, address -> TCP socket, address -> UDP socket)."""
    return _group(list(addresses), udp=True)


def _group(addresses: list[str], *, udp: bool) -> tuple[int, dict[str, socket.socket], dict[str, socket.socket]]:
    trouble: OSError | None = None
    for _ in range(_ATTEMPTS):
        tcp: dict[str, socket.socket] = {}
        datagram: dict[str, socket.socket] = {}
        port = 0
        try:
            for address in addresses:
                tcp[address] = tcp_socket(address, port)
                port = tcp[address].getsockname()[1]
                if udp:
                    datagram[address] = _udp_socket(address, port)
        except OSError as error:
            trouble = error
            for sock in (*tcp.values(), *datagram.values()):
                sock.close()
        else:
            return port, tcp, datagram
    raise OSError("no port is free on all addresses of the lab") from trouble


def free_port(address: str = HOST) -> int:
    """A port without a listener right now, for a program that is started later."""
    with tcp_socket(address) as sock:
        return int(sock.getsockname()[1])
