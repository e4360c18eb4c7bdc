"""Availability services: a word in its place is a verdict, the same word elsewhere is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.builtin.das_servers import COMMON, SERVERS, Form
from common.core.model.evidence import Outcome
from common.core.parsers.das import TEXT_LIMIT, parse_das_answer

FREE, TAKEN, THROTTLED, UNKNOWN = Outcome.UNREGISTERED, Outcome.REGISTERED, Outcome.THROTTLED, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("server", "domain", "text", "outcome"),
    [
        ("das.dns.be:4343", "a.be", "% DAS of .be\r\nDomain:\ta.be\r\nStatus:\tAVAILABLE\r\n", FREE),
        ("das.dns.be", "a.be", "RC: 0\nDomain: a.be\nStatus: NOT AVAILABLE\n", TAKEN),
        ("das.dns.be", "a.be", "Domain: a.be\nStatus: NOT ALLOWED\n", Outcome.INVALID),
        ("das.dns.be", "a.be", "RC: -1\nDomain: a.be\n", UNKNOWN),
        ("das.dns.be", "a.be", "RC: -2\n", THROTTLED),
        ("das.dns.be", "a.be", "RC: -3\n", THROTTLED),
        ("das.dns.be", "a.be", "% Excessive querying, grace period of 2 seconds\nDomain: a.be\nStatus: AVAILABLE\n", THROTTLED),
        ("das.eu", "a.eu", "Domain: a\nStatus: AVAILABLE\n", FREE),
        ("das.eu", "a.eu", "Domain: a\nStatus: REGISTERED\n", TAKEN),
        ("das.eu", "a.eu", "Domain: a\nStatus: RESERVED\n", Outcome.RESERVED),
        ("das.eu", "a.eu", "Domain: b\nStatus: AVAILABLE\n", UNKNOWN),
        ("das.nic.it", "a.it", "AVAILABLE\n", FREE),
        ("das.nic.it", "a.it", "UNAVAILABLE\n", TAKEN),
        ("das.domreg.lt", "a.lt", "Domain: a.lt\nStatus: registered\n", TAKEN),
        ("das.arnes.si", "a.si", "Domain a.si is available\n", FREE),
        ("das.arnes.si", "a.si", "Domain a.si is forbidden\n", Outcome.RESERVED),
        ("finger.norid.no", "a.no", '% text\nThe domain "a.no" is available\n', FREE),
        ("finger.norid.no", "a.no", "a.no is delegated\n", TAKEN),
        ("finger.norid.no", "a.no", "a.no cannot be registered\n", Outcome.RESERVED),
        ("free.iis.se", "a.se", "free a.se\n", FREE),
        ("free.iis.se", "a.se", "occupied a.se\n", TAKEN),
        ("free.iis.se", "a.se", "free b.se\n", UNKNOWN),
        ("dac.nic.uk:2043", "a.uk", "a.uk,N\r\n", FREE),
        ("dac.nic.uk", "a.uk", "a.uk,Y,N,2001-01-01,2030-01-01,TAG\r\n", TAKEN),
        ("dac.nic.uk", "a.uk", "a.uk,B,30\r\n", THROTTLED),
        ("dac.nic.uk", "a.uk", "b.uk,N\r\n", UNKNOWN),
        ("das.example", "a.be", "Names that are available can be registered.\n", UNKNOWN),
        ("das.example", "a.be", "a.be is available\na.be is registered\n", UNKNOWN),
        ("das.example", "a.be", "Status: maybe\n", UNKNOWN),
        ("das.example", "a.be", "", UNKNOWN),
        ("das.example", "a.be", "\x00\xff" * 50, UNKNOWN),
        ("das.example", "", "AVAILABLE", FREE),
        ("das.example", "a.be", "available\n" * 5000, UNKNOWN),
    ],
)
def test_each_service_is_read_by_its_own_form(server, domain, text, outcome):
    """The status in its field, about the right name, and not in a rate limited answer."""
    assert parse_das_answer(text, domain, server).outcome is outcome


def test_a_block_has_a_retry_after():
    """Nominet's B is followed by the seconds of the block."""
    assert parse_das_answer("a.uk,B,30", "a.uk", "dac.nic.uk").retry_after == 30.0
    assert parse_das_answer("a.uk,B,x", "a.uk", "dac.nic.uk").retry_after is None


@pytest.mark.parametrize(
    ("server", "text", "finding"),
    [
        ("das.eu", "Domain: a\nStatus: AVAILABLE\nStatus: REGISTERED\n", "das_unparsed"),
        ("das.eu", "Domain: a\nStatus: AVAILABLE\nStatus: PERHAPS\n", "das_unparsed"),
        ("das.eu", "Domain: a\nDomain: b\nStatus: AVAILABLE\n", "das_wrong_name"),
        ("das.eu", "Domain Name: b\nStatus: AVAILABLE\n", "das_wrong_name"),
        ("das.eu", "DomainName: b\nStatus: AVAILABLE\n", "das_wrong_name"),
        ("das.eu", "Domain: a\nStatus: AVAILABLE\na.be is registered\n", "das_unparsed"),
        ("das.dns.be", "Domain: a\nStatus: AVAILABLE\n", "das_wrong_name"),  # a label is a name only where one is asked for
        ("das.dns.be", "Domain: a.be\nStatus: AVAILABLE\nThis name is reserved for its holder.\n", "das_unparsed"),
        ("das.dns.be", "Domain: a.be\nStatus: AVAILABLE\nRemark: waiting list\n", "das_unparsed"),
        ("das.dns.be", "Domain: a.be\n", "das_unparsed"),
        ("das.nic.it", "b.it\n", "das_wrong_name"),
        ("das.nic.it", "AVAILABLE\nUNAVAILABLE\n", "das_unparsed"),
        ("das.nic.it", "sub.a.be is available\n", "das_unparsed"),
        ("das.nic.it", "a.be-x is available\n", "das_unparsed"),
        ("free.iis.se", "free\n", "das_unparsed"),
        ("finger.norid.no", "ERROR - database\na.be is available\n", "das_error"),
        ("finger.norid.no", "% ERROR - Database\na.be is available\n", "das_error"),
        ("das.dns.be", "RC: -1\nDomain: a.be\nStatus: AVAILABLE\n", "das_error"),
        ("das.dns.be", "Return code: -1\nDomain: a.be\nStatus: AVAILABLE\n", "das_error"),
        ("das.dns.be", "Domain:\nStatus: AVAILABLE\n", "das_wrong_name"),
        ("das.dns.be", f"Domain: a.be\nStatus: AVAILABLE{' ' * 240}on the waiting list\n", "das_unparsed"),
        ("das.nic.it", " \n\r\n", "das_unparsed"),
        ("das.nic.it", "AVAILABLE" + " " * TEXT_LIMIT, "das_too_large"),
        ("das.nic.it", "<!DOCTYPE html>\n<p>\na.be is available\n", "das_html"),
        ("dac.nic.uk", "a.be,N\na.be,Y\n", "das_unparsed"),
        ("dac.nic.uk", "a.be,N\nb.be,N\n", "das_wrong_name"),
        ("dac.nic.uk", "a.be,E\n", "das_unparsed"),
        ("dac.nic.uk", "a.be,\n", "das_unparsed"),
        ("dac.nic.uk", "a.be\n", "das_wrong_name"),
        ("das.example", "a.be is on fire\n", "das_unparsed"),
    ],
)
def test_an_answer_that_contradicts_itself_proves_nothing(server, text, finding):
    """Two statuses, another name, a remark, an error, a web page."""
    reading = parse_das_answer(text, "a.be", server)

    assert (reading.outcome, reading.finding) == (UNKNOWN, finding)
    assert reading.reason


@pytest.mark.parametrize(
    "text",
    [
        "Return code: -2\n",
        "RC: -2\nDomain: a.be\nStatus: AVAILABLE\n",
        "Too many requests\nDomain: a.be\nStatus: AVAILABLE\n",
        "Domain: a.be\nStatus: AVAILABLE\n% You have exceeded the number of queries allowed\n",
        "Domain: a.be\nStatus: AVAILABLE\n# Quota exceeded\n",
        "a.be is available. Slow down\n",
        "Limit exceeded\n",
        "% try again later\n",
    ],
)
def test_a_limit_beside_a_free_line_is_a_limit(text):
    """Whatever else the answer says."""
    reading = parse_das_answer(text, "a.be", "das.dns.be")

    assert (reading.outcome, reading.finding) == (THROTTLED, "das_throttled")


@pytest.mark.parametrize(
    "text",
    [
        "RC: -3\n",
        "IP address blocked\n",
        "IP address 192.0.2.1 not registered\n",
        "Access denied\n",
        "Referral denied\n",
        "Your address is on a blacklist\n",
        "You are not authorised to query this service\n",
        "Not authorized\n",
        "Connection refused\n",
    ],
)
def test_a_ban_is_told_as_one(text):
    """The rate limit policy knows it by the word."""
    reading = parse_das_answer(text, "a.be", "das.dns.be")

    assert (reading.outcome, reading.finding) == (THROTTLED, "das_throttled")
    assert "blocked" in reading.reason


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("% Excessive querying, grace period of 20 seconds\n", 20.0),
        ("% Excessive querying, grace period of 0 seconds\n", 1.0),
        ("% Excessive querying, grace period of 99999 seconds\n", 86_400.0),
        ("Quota exceeded, please wait 2 minutes\n", 120.0),
        ("Quota exceeded\n", None),
    ],
)
def test_the_wait_that_a_limit_names_is_kept(text, wait):
    """In seconds, within a second and a day."""
    assert parse_das_answer(text, "a.be", "das.dns.be").retry_after == wait


def test_a_farewell_of_nominet_is_no_row():
    """Only lines of fields are about a name."""
    assert parse_das_answer("goodbye\nA.uk,N\n", "a.uk", "dac.nic.uk").outcome is FREE


@pytest.mark.parametrize(
    ("seconds", "wait"), [("0", 1.0), ("9999999", 86_400.0), ("99999999", None), ("-1", None), ("\u0661", None)]
)
def test_a_block_of_nominet_has_sane_bounds(seconds, wait):
    """Digits of this alphabet alone; without them the block has no end of its own."""
    assert parse_das_answer(f"a.uk,B,{seconds}", "a.uk", "dac.nic.uk").retry_after == wait
    assert parse_das_answer("a.uk,B", "a.uk", "dac.nic.uk").outcome is THROTTLED


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("AVAILABLE".ljust(TEXT_LIMIT), FREE),
        (" % terms of use\n\n  AVAILABLE \n", FREE),
        ("# terms of use\nAVAILABLE\n", FREE),
        ("  Domain : a.be\n Status : AVAILABLE\n", FREE),
        ("% Domain: a.be\n% Status: AVAILABLE\n", FREE),
        ("Domain: a.be.\nStatus:  not   AVAILABLE!\n", TAKEN),
        ("\n" * 100 + "AVAILABLE\n", FREE),
        ("% terms of use\n" * 59 + "AVAILABLE\n", FREE),
        ("% terms of use\n" * 60 + "AVAILABLE\n", UNKNOWN),
        (f"Status: AVAILABLE{' ' * 223}x\n", UNKNOWN),
        (f"{'%' * 223}Status: AVAILABLE\n", FREE),
        (f"{'%' * 224}Status: AVAILABLE\n", UNKNOWN),
    ],
)
def test_blanks_comments_and_case_change_nothing(text, outcome):
    """As long as the answer is one."""
    assert parse_das_answer(text, "a.be", "das.nic.it").outcome is outcome


def test_terms_of_use_are_no_limit():
    """A banner speaks of rate limits and of blocked clients all the time."""
    banner = "% This service is provided under a rate limit. Clients that query too often may be blocked.\n"
    reading = parse_das_answer(f"{banner}Domain: a.be\nStatus: AVAILABLE\n", "a.be", "das.dns.be")

    assert reading.finding == "das_available"


@pytest.mark.parametrize(
    ("server", "text", "outcome"),
    [
        ("das.dns.be", "Domain: b\u00fccher.be\nStatus: AVAILABLE\n", FREE),
        ("das.dns.be", "Domain: B\u00dcCHER.BE.\nStatus: AVAILABLE\n", FREE),
        ("das.dns.be", "Domain: XN--BCHER-KVA.be\nStatus: AVAILABLE\n", FREE),
        ("das.eu", "Domain: b\u00fccher\nStatus: AVAILABLE\n", FREE),
        ("das.eu", "Domain: xn--bcher-kva\nStatus: AVAILABLE\n", FREE),
        ("finger.norid.no", "b\u00fccher.be is available\n", FREE),
        ("das.dns.be", "Domain: bucher.be\nStatus: AVAILABLE\n", UNKNOWN),
    ],
)
def test_a_name_may_be_spelt_in_unicode(server, text, outcome):
    """As the service repeats it."""
    assert parse_das_answer(text, "xn--bcher-kva.be", server).outcome is outcome


def test_a_label_that_cannot_be_decoded_is_a_name_like_any_other():
    """Emoji names exist; IDNA knows none of them."""
    text = "Domain: xn--ls8h.be\nStatus: AVAILABLE\n"

    assert parse_das_answer(text, "xn--ls8h.be", "das.dns.be").outcome is FREE


@pytest.mark.parametrize(
    ("status", "outcome", "finding"),
    [
        ("available", FREE, "das_available"),
        ("unavailable", TAKEN, "das_not_available"),
        ("available-on-waiting-list", Outcome.DROPPING, "das_release_process"),
        ("blocked", Outcome.RESERVED, "das_not_allowed"),
        ("", UNKNOWN, "das_unparsed"),
    ],
)
def test_the_status_of_the_name_is_not_the_status_of_the_query(status, outcome, finding):
    """The .dk service has both; "ok" says nothing about the name."""
    reading = parse_das_answer(f"domain:a.dk\nstatus:ok\ndomain_status:{status}\n", "a.dk", "das.dk-hostmaster.dk")

    assert (reading.outcome, reading.finding) == (outcome, finding)


@pytest.mark.parametrize(
    "sentence", ["{} is free", "The domain {} is free", "this domain name {} is already registered.", "free {}"]
)
def test_sentences_are_read_whatever_frames_them(sentence):
    """With or without article, noun and verb."""
    assert parse_das_answer(sentence.format("a.nl"), "a.nl", "whois.domain-registry.nl").outcome in (FREE, TAKEN)


@pytest.mark.parametrize("host", ["das.registry.eu", "DAS.EU:4343", " das.eu "])
def test_a_service_is_known_by_each_of_its_hosts(host):
    """A label stands for the name there."""
    assert parse_das_answer("Domain: a\nStatus: FREE\n", "a.eu", host).outcome is FREE


_PIECES = st.sampled_from(
    [
        "a.be",
        "b.be",
        "a",
        "AVAILABLE",
        "free",
        "is",
        "Status:",
        "Domain:",
        "RC:",
        "-2",
        "0",
        ",N",
        ",Y",
        "\n",
        "\r\n",
        " ",
        "%",
        "#",
    ]
)
_HOSTS = st.sampled_from([*(row.host for row in SERVERS), "das.example", ""])


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=25).map(" ".join)), _HOSTS)
def test_any_text_gives_a_reading(text, host):
    """Never an error, and never a free name that the text does not contain."""
    reading = parse_das_answer(text, "a.be", host)

    assert len(reading.reason) <= 300
    if reading.outcome is FREE:
        low = text.lower()
        assert "available" in low or "free" in low or ",n" in low.replace(" ", "")


def test_every_status_word_is_read():
    """The words of a row come before those that all services share."""
    for row in SERVERS:
        if row.form in (Form.LINE, Form.WEB_TEXT):
            for word, outcome in {**COMMON, **row.words}.items():
                text = f"Domain: a.be\nStatus: {word}\n"
                assert parse_das_answer(text, "a.be", row.host).outcome is outcome, (row.host, word)
