"""The WHOIS checker against registries that misbehave."""

import asyncio

import pytest

from actors.checkers.deep.whois import LIMIT, create
from common.core.model.evidence import EXCERPT_LIMIT, Outcome
from tests.checkers.support import LAB, context, once, task
from tests.clients.line_server import closed_port, drip, endless, line_server, reset, reset_inside, silence
from tests.core.parsers import whois_samples as samples

FREE = b'No match for "EXAMPLE.COM".\r\n>>> Last update of whois database: 2026-07-12T12:34:16Z <<<\r\n'
RECORD = samples.ICANN.replace("BLUEHERON", "EXAMPLE").encode()


def look(answer, *, server=None, environ=None, **more):
    """One check of example.com against a server that answers so; gives (observation, server)."""

    async def main():
        async with line_server(answer) as running:
            settings = LAB | (environ(running) if environ else {})
            checker = create(context(settings))
            try:
                named = running.name if server is None else server
                return await checker.check(task("whois", server=named, **more)), running
            finally:
                await checker.close()

    return asyncio.run(main())


def test_a_registered_name_comes_with_its_record() -> None:
    """The A-label is asked for, and the observation tells where, how and what."""
    seen, server = look(RECORD)

    assert server.lines == [b"domain example.com\r\n"]
    assert seen.reading.outcome is Outcome.REGISTERED
    assert seen.reading.fields.expires_at == "2027-03-04T05:00:00Z"
    assert (seen.method, seen.server, seen.address) == ("whois", "127.0.0.1", f"{server.name}/tcp")
    assert len(seen.digest) == 64
    assert "EXAMPLE.COM" in seen.excerpt


def test_a_free_name_is_unregistered() -> None:
    """The free line of the server counts for the name asked for."""
    assert look(FREE)[0].reading.outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize("domain", ["other.com", "example.net", "xn--bcher-kva.com"])
def test_the_answer_about_another_name_proves_nothing(domain: str) -> None:
    """Neither record nor free line of a neighbour is taken."""
    for answer in (RECORD, FREE):
        assert look(answer, domain=domain)[0].reading.outcome is Outcome.UNKNOWN


def test_the_placeholder_of_recordings_is_a_name_like_any_other() -> None:
    """Asked in earnest, example.<suffix> is not read for other names."""
    assert look(RECORD, domain="example.cz")[0].reading.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "finding", "refused"),
    [
        (b"", "whois_empty", False),
        (silence, "whois_timeout", False),
        (drip, "whois_timeout", False),
        (endless, "whois_too_large", False),
        (reset, "whois_error", False),
        (reset_inside, "whois_error", False),
        (bytes(range(128, 256)) * 20, "whois_unparsed", False),
        (b"<html><body>Domain not found</body></html>", "whois_unparsed", False),
    ],
)
def test_trouble_is_unknown_and_says_what_it_was(answer, finding: str, refused: bool) -> None:
    """Nothing a broken server does is taken for an answer."""
    waited_out = finding == "whois_timeout"  # only these may use up their time; the others get plenty on a busy machine
    seen, _server = look(answer, budget_ms=500 if waited_out else 10_000)

    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, finding)
    assert seen.refused is refused


def test_a_refused_connection_is_reported_as_such() -> None:
    """The budget of the operator shrinks when we are turned away."""
    seen = once(create(context()), task("whois", server=f"127.0.0.1:{closed_port()}"))

    assert (seen.reading.finding, seen.refused) == ("whois_turned_away", True)


def test_a_limit_carries_the_time_to_wait() -> None:
    """A throttle text is no trouble of the name."""
    seen, _server = look(b'Please go away for 13 Seconds\r\nNo match for "EXAMPLE.COM".\r\n')

    assert (seen.reading.outcome, seen.reading.retry_after) == (Outcome.THROTTLED, 13.0)


def test_a_private_address_is_never_asked() -> None:
    """A server or referral that points inside is refused before anything is sent."""

    async def main():
        async with line_server(FREE) as running:
            seen = await create(context({})).check(task("whois", server=running.name))
            return seen, running.lines

    seen, lines = asyncio.run(main())
    assert seen.reading.finding == "whois_refused_address"
    assert lines == []


def test_without_a_server_iana_is_asked_for_one() -> None:
    """The referral comes back as a finding of its own; following it is another task."""
    seen, server = look(
        b"refer: whois.registry.test\r\n\r\ndomain: COM\r\nwhois: whois.registry.test\r\n",
        server="",
        environ=lambda running: {"WHOIS_IANA_HOST": running.name},
    )

    assert server.lines == [b"com\r\n"]
    assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "whois_referral")
    assert seen.reading.referral == "whois.registry.test"


def test_a_suffix_without_referral_is_said_so() -> None:
    """IANA knows no server for many suffixes."""
    seen, _server = look(b"domain: COM\r\nwhois:\r\n", server="", environ=lambda running: {"WHOIS_IANA_HOST": running.name})

    assert (seen.reading.finding, seen.reading.referral) == ("whois_no_referral", None)


def test_the_default_port_is_a_setting() -> None:
    """A server without port is asked on WHOIS_PORT."""
    seen, server = look(FREE, server="127.0.0.1", environ=lambda running: {"WHOIS_PORT": str(running.port)})

    assert seen.address == f"{server.name}/tcp"


@pytest.mark.parametrize("domain", ["a b.com", "a.com\r\nb.com", "UPPER.com", "-x.com", "com"])
def test_nothing_but_a_name_goes_on_the_wire(domain: str) -> None:
    """A name that could hold a second query is not asked for."""
    seen, server = look(FREE, domain=domain)

    assert seen.reading.finding == "whois_bad_name"
    assert server.lines == []


def test_evidence_holds_no_contact_data() -> None:
    """Excerpts are bounded and keep no people."""
    people = b"Registrant Name: Jane Doe\r\nRegistrant Email: jane@example.com\r\nPhone: +1.5551234567\r\n"
    seen, _server = look(RECORD + people + b"Domain Status: ok\r\n" * 2000)

    assert len(seen.excerpt) <= EXCERPT_LIMIT
    assert not any(word in seen.excerpt for word in ("Jane", "jane@", "555"))
    assert LIMIT <= 256 * 1024


@pytest.mark.parametrize("server", ["a..b", "x" * 70 + ".test"])
def test_an_impossible_server_is_trouble_not_a_crash(server: str) -> None:
    """A referral can name anything; the check still only reports."""
    assert look(FREE, server=server)[0].reading.outcome is Outcome.UNKNOWN


def test_a_block_about_people_is_left_out_of_the_evidence() -> None:
    """People also stand on lines without a label, below a heading."""
    people = b"\r\nRegistrant:\r\n        Jane Doe\r\n        1 Main Road\r\n"
    seen, _server = look(RECORD + people)

    assert not any(word in seen.excerpt for word in ("Jane", "Main Road"))
    assert "Registry Expiry Date" in seen.excerpt


def test_evidence_can_be_judged_again() -> None:
    """Verdict lines survive in the excerpt even where a server prints them as comments."""
    seen, _server = look(b"%ERROR:101: no entries found\r\n", domain="example.cz")

    assert seen.reading.outcome is Outcome.UNREGISTERED
    assert "no entries found" in seen.excerpt


def test_a_referral_may_name_a_port() -> None:
    """A referral of the lab or of a mirror keeps its port."""
    seen, _server = look(b"whois: 127.0.0.9:4343\r\n", server="", environ=lambda running: {"WHOIS_IANA_HOST": running.name})

    assert seen.reading.referral == "127.0.0.9:4343"
