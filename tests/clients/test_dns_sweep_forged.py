"""Sweeps and answers that are forged, cut or odd: what is believed in the end, and what is asked again over TCP."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
import pytest

from common.clients.dns import SweepOutcome
from common.core.model.evidence import Outcome
from common.core.parsers.dns_fast import NXDOMAIN, UNUSUAL
from tests.clients.dns_world import (
    ROOT,
    TLD,
    TLD_SECOND,
    Tree,
    World,
    failing,
    over_udp,
    run,
)
from tests.clients.sweep_world import BOTH, NAMES, ONE_SERVER, SERVED, TRUTH, Desk, meanings, swept, tell


def flip(answer: bytes) -> bytes:
    """The answer as a forger would like it: NXDOMAIN, authoritative, for what is delegated."""
    return answer[:2] + b"\x84\x03" + answer[4:]


FORGERIES: dict[str, Callable[[bytes, bytes], list[bytes]]] = {
    "wrong id": lambda answer, _: [bytes((answer[0] ^ 0x5A, answer[1])) + flip(answer)[2:], answer],
    "wrong question": lambda answer, _: [flip(answer)[:13] + b"evil" + answer[17:], answer],
    "our own query": lambda answer, query: [query, answer],
    "noise": lambda answer, _: [b"", b"x", answer[:11], answer[:2] + b"\xff" * 40, answer],
    "twice": lambda answer, _: [answer, answer],
    "letter case": lambda answer, _: [answer[:12] + answer[12:23].lower() + answer[23:]],
    "truncated": lambda answer, _: [answer[:2] + bytes((answer[2] | 2,)) + answer[3:]],
    "cut off": lambda answer, _: [answer[:-4]],
    "three guesses": lambda answer, _: [*(bytes((answer[0] ^ bit,)) + flip(answer)[1:] for bit in (1, 2, 4)), answer],
}


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
def test_forged_and_broken_answers_change_no_verdict(forgery: str) -> None:
    """Over UDP one server misbehaves with every answer; what is believed in the end is true."""
    found, _ = swept({**BOTH, TLD: over_udp(FORGERIES[forgery], SERVED)})

    assert meanings(found) == TRUTH


@pytest.mark.parametrize("forgery", ["three guesses", "letter case", "truncated", "wrong id", "noise"])
def test_what_no_datagram_may_settle_is_asked_over_tcp(forgery: str) -> None:
    """With every UDP answer suspect, TCP decides, and the result says so."""
    bad = over_udp(FORGERIES[forgery], SERVED)
    found, world = swept({ROOT: ONE_SERVER, TLD: bad}, NAMES[:20])
    over_tcp = {name for _, name, _, tcp in world.queries if tcp}

    assert meanings(found) == TRUTH[:20]
    assert over_tcp
    assert {NAMES[index] for index, number in enumerate(found.served) if found.served_by(number)[1]} == over_tcp
    assert found.serials == (42, 42)


def test_answers_over_tcp_are_as_plain_as_datagrams() -> None:
    """A server that truncates all UDP answers (RRL) gives codes, not whole observations; unusual answers stay unusual."""
    limiting = over_udp(FORGERIES["truncated"], SERVED)
    asked = [*NAMES, "inside.test", "www.free-1.test"]
    found, world = run({ROOT: ONE_SERVER, TLD: limiting}, lambda world: Desk(world, 10.0).sweeps.sweep("test", asked, 30.0))

    assert list(found.codes) == [*TRUTH, UNUSUAL, NXDOMAIN]
    assert (found.truncated, found.lost) == (len(NAMES) + 1, 0)
    assert list(found.unusual) == [len(NAMES)]
    assert (found.unusual[len(NAMES)].tcp, found.unusual[len(NAMES)].reading.finding) == (True, "dns_auth_nodata")
    assert {found.served_by(number) for number in found.served[: len(NAMES)]} == {((TLD, world.port), True)}


@pytest.mark.parametrize(
    ("lie", "finding"),
    [
        (lambda answer: answer[:2] + b"\x80\x03" + answer[4:], "dns_not_authoritative"),
        (lambda answer: answer[:-4], "dns_malformed"),
        (lambda answer: answer[:6] + b"\0\0\0\0\0\0" + answer[12:29], "dns_no_soa"),
    ],
)
def test_what_is_wrong_over_tcp_is_believed_no_more_than_as_a_datagram(lie: Callable[[bytes], bytes], finding: str) -> None:
    """Without authority, cut, or without the zone's own SOA record an NXDOMAIN over TCP proves nothing."""
    limiting = over_udp(FORGERIES["truncated"], SERVED)

    def lying(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        about_us = query.question[0].name.to_text().lower() == "free-1.test."
        return [lie(answer) if tcp and about_us else answer for answer in limiting(query, wire, tcp)]

    found, _ = swept({ROOT: ONE_SERVER, TLD: lying}, ["free-1.test"], 1.0)

    assert list(found.codes) == [UNUSUAL]
    assert (found.unusual[0].reading.outcome, found.unusual[0].reading.finding) == (Outcome.UNKNOWN, finding)
    assert found.serials is None


def test_lost_letter_case_is_remembered() -> None:
    """After the first batch a server that loses the letter case is asked in lower case, over UDP."""
    lower = over_udp(lambda answer, _: [answer[:12] + answer[12:23].lower() + answer[23:]], SERVED)

    async def story(world: World) -> tuple[SweepOutcome, int]:
        desk = Desk(world)
        await desk.sweeps.sweep("test", NAMES[:10], 2)
        before = len(world.queries)
        found = await desk.sweeps.sweep("test", NAMES, 5)
        return found, sum(tcp for *_, tcp in world.queries[before:])

    found, over_tcp = tell({ROOT: ONE_SERVER, TLD: lower}, story)

    assert (list(found.codes), over_tcp) == (TRUTH, 0)


@pytest.mark.parametrize("bare", [True, False])
def test_server_without_edns_is_asked_without(bare: bool) -> None:
    """FORMERR, with or without the question, leads to plain queries; the next sweep knows it from the start."""

    def old(query: dns.message.Message, wire: bytes, tcp: bool) -> list[bytes]:
        if query.edns < 0:
            return SERVED(query, wire, tcp)
        return [wire[:2] + b"\x80\x01" + bytes(8)] if bare else failing("FORMERR")(query, wire, tcp)

    async def story(world: World) -> tuple[SweepOutcome, SweepOutcome]:
        desk = Desk(world)
        return await desk.sweeps.sweep("test", NAMES[:20], 2), await desk.sweeps.sweep("test", NAMES, 5)

    first, second = tell({ROOT: ONE_SERVER, TLD: old}, story)

    assert meanings(first) == TRUTH[:20]
    assert (list(second.codes), second.careful_count) == (TRUTH, 0)


def test_wildcard_is_not_asked_again_and_again() -> None:
    """Where every name has an address, one question per name shows it."""

    def wild(query: dns.message.Message, _wire: bytes, _tcp: bool) -> list[bytes]:
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        return [Tree("test", records={(name, "CNAME"): ("parking.example.",)}).answer(query).to_wire()]

    found, world = swept({**BOTH, TLD: wild, TLD_SECOND: wild})

    assert {odd.reading.finding for odd in found.unusual.values()} == {"dns_auth_wildcard"}
    assert len(found.unusual) == len(NAMES) == len([name for _, name, *_ in world.queries if name != "test"])
