"""WHOIS answers: the laws and their order, the fields, and what no mutilation may ever turn into "free"."""

import datetime as dt
import gzip
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.builtin.whois_servers import query_format_of, whois_server
from common.core.model.evidence import LIST_LIMIT, Outcome, Phase
from common.core.parsers.whois import parse_whois_answer
from common.core.parsers.whois.excerpt import make_excerpt
from common.core.parsers.whois.lines import TEXT_LIMIT
from common.core.parsers.whois.referral import referral_of
from tests.core.parsers import whois_samples as samples

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "whois.jsonl.gz"
VERDICTS = {
    Outcome.UNREGISTERED: "available",
    Outcome.REGISTERED: "registered",
    Outcome.RESERVED: "reserved",
    Outcome.PREMIUM: "reserved",
    Outcome.DROPPING: "reserved",
}


@pytest.mark.parametrize("sample", samples.REGISTERED + samples.FREE + samples.OTHERS, ids=lambda s: f"{s.server}-{s.finding}")
def test_each_family_is_read_as_it_means(sample: samples.Sample) -> None:
    """A text of each family gives its outcome and finding."""
    reading = parse_whois_answer(sample.text, sample.domain, sample.server, strict=True)

    assert (reading.outcome, reading.finding) == (sample.outcome, sample.finding)


@pytest.mark.parametrize(
    ("text", "domain", "created", "expires", "registrar", "servers", "phase"),
    [
        (
            samples.ICANN,
            "blueheron.com",
            "1999-03-04T05:00:00Z",
            "2027-03-04T05:00:00Z",
            "Example Registrar, Inc",
            ("ns1.blueheron.test", "ns2.blueheron.test"),
            Phase.EXPIRED_GRACE,
        ),
        (samples.DENIC, "blueheron.de", None, None, None, ("ns1.blueheron.test", "ns2.blueheron.de"), Phase.ACTIVE),
        (
            samples.NOMINET,
            "blueheron.co.uk",
            "1996-08-01",
            "2027-03-31",
            "Example Ltd t/a Example [Tag = EXAMPLE]",
            ("ns1.blueheron.test", "ns2.blueheron.co.uk"),
            Phase.ACTIVE,
        ),
        (samples.AFNIC, "blueheron.fr", "2007-09-03", "2027-09-03", "EXAMPLE SAS", ("ns1.blueheron.test",), Phase.ACTIVE),
        (
            samples.FRED,
            "blueheron.cz",
            "2010-12-31T03:39:20Z",
            "2027-12-31",
            "REG-EXAMPLE",
            ("ns1.blueheron.test",),
            Phase.ACTIVE,
        ),
        (samples.JPRS, "blueheron.jp", "2009-07-10", "2027-07-31", None, ("ns1.blueheron.test",), Phase.REDEMPTION),
        (samples.EU, "blueheron.eu", None, None, "Example BV", ("ns1.blueheron.test", "ns2.blueheron.eu"), None),
        (
            samples.TCI,
            "blueheron.ru",
            "2005-10-15T20:00:00Z",
            "2026-10-15T21:00:00Z",
            "EXAMPLE-RU",
            ("ns1.blueheron.test",),
            Phase.UNDELEGATED,
        ),
        (
            samples.KOREAN,
            "blueheron.kr",
            "1999-07-28",
            "2027-10-04",
            "Example Inc.(http://registrar.test)",
            ("ns1.blueheron.test",),
            None,
        ),
        (samples.FREENOM, "blueheron.tk", "2001-12-18", "2027-03-02", None, (), None),
        (
            samples.VERBOSE,
            "blueheron.com.tw",
            "2000-08-29T02:22:50Z",
            "2027-11-08T16:00:00Z",
            "Example, Inc",
            ("ns1.blueheron.test", "ns2.blueheron.test"),
            Phase.ACTIVE,
        ),
        (
            samples.NAMELESS,
            "blueheron.com.tr",
            "2001-08-23",
            "2027-08-22",
            None,
            ("ns1.blueheron.test", "ns2.blueheron.test"),
            None,
        ),
    ],
)
def test_fields_are_read_in_every_layout(text, domain, created, expires, registrar, servers, phase) -> None:
    """Dates, registrar, name servers and phase come out of every layout, those of contacts never do."""
    server = next(sample.server for sample in samples.REGISTERED if sample.domain == domain)
    reading = parse_whois_answer(text, domain, server, strict=True)
    fields = reading.fields

    assert (fields.created_at, fields.expires_at) == (created, expires)
    assert (fields.registrar, fields.nameservers) == (registrar, servers)
    assert reading.phase is phase


def test_the_data_carry_the_servers_own_time() -> None:
    """The stamp below a record is its freshness."""
    assert parse_whois_answer(samples.ICANN, "blueheron.com", "whois.verisign-grs.com").fresh_at == 1_783_859_656.0


def test_a_limit_comes_before_everything_else() -> None:
    """A limit beside a record, a reserved line or a free line is a limit, with the time to wait."""
    limit = "Your request limit is exceeded, try again in 50 seconds.\n"

    for text in (samples.ICANN, 'No match for "BLUEHERON.COM".\n', "Reserved by Registry\n"):
        for order in (limit + "\n" + text, text + "\n" + limit):
            reading = parse_whois_answer(order, "blueheron.com", "whois.verisign-grs.com", strict=True)
            assert reading.outcome is Outcome.THROTTLED
            assert reading.retry_after == 50.0


def test_a_record_comes_before_a_free_line() -> None:
    """A registrar's "not found" below the registry's record proves nothing."""
    reading = parse_whois_answer(
        samples.ICANN + "\nnot found...\nDomain not found.\n", "blueheron.com", "whois.verisign-grs.com", strict=True
    )

    assert reading.outcome is Outcome.REGISTERED


def test_not_registrable_comes_before_a_free_line() -> None:
    """A name that is reserved is not free, whatever stands above."""
    text = "Domain not found.\nThis name is reserved by the Registry in accordance with ICANN Policy.\n"

    assert parse_whois_answer(text, "blueheron.io", "whois.nic.io", strict=True).outcome is Outcome.RESERVED


def test_the_record_of_another_name_proves_nothing() -> None:
    """Neither the record nor the free line of another name counts, not even where no line names the name asked for."""
    for text in (
        samples.ICANN,
        "Domain Name: BLUEHERON.COM\nDomain Status: No Object Found\n",
        'No match for "BLUEHERON.COM".\n',
    ):
        for name in ("redheron.com", "heron.com", "blueheron.co", "x.blueheron.com", "example.com"):
            reading = parse_whois_answer(text, name, "whois.verisign-grs.com", strict=True)
            assert reading.outcome is Outcome.UNKNOWN


def test_a_recording_without_its_question_is_read_for_its_own_name() -> None:
    """`example.<suffix>` stands for the name in the answer, but never in the answer to a live query."""
    assert parse_whois_answer(samples.FRED, "example.cz", "whois.nic.cz").outcome is Outcome.REGISTERED
    assert (
        parse_whois_answer("Domain: blueheron.de\nStatus: free\n", "example.de", "whois.denic.de").outcome
        is Outcome.UNREGISTERED
    )
    assert parse_whois_answer(samples.FRED, "example.cz", "whois.nic.cz", strict=True).outcome is Outcome.UNKNOWN
    assert (
        parse_whois_answer('No match for "BLUEHERON.COM".', "example.com", "whois.verisign-grs.com").outcome is Outcome.UNKNOWN
    )


def test_a_name_line_alone_is_no_record() -> None:
    """The name is printed in free answers too."""
    assert (
        parse_whois_answer("Domain: blueheron.lt\n", "blueheron.lt", "whois.domreg.lt", strict=True).outcome is Outcome.UNKNOWN
    )


def test_unknown_servers_are_read_by_the_lines_that_all_share() -> None:
    """A free line of a server without a family counts, but weighs as a generic one."""
    reading = parse_whois_answer("Domain not found.\n", "blueheron.test", "203.0.113.7:4343", strict=True)

    assert (reading.outcome, reading.finding) == (Outcome.UNREGISTERED, "whois_free_generic")


def test_lists_are_bounded() -> None:
    """Thousands of name servers and statuses become at most thirty-two each."""
    text = samples.ICANN + "".join(f"Name Server: ns{n}.heron.test\nDomain Status: odd {n}\n" for n in range(500))
    fields = parse_whois_answer(text, "blueheron.com", "whois.verisign-grs.com").fields

    assert len(fields.nameservers) == LIST_LIMIT
    assert len(fields.statuses) == LIST_LIMIT


@pytest.mark.parametrize("sample", samples.REGISTERED, ids=lambda s: s.domain)
def test_a_record_cut_anywhere_is_never_free(sample: samples.Sample) -> None:
    """Cutting the end off a record at any byte leaves registered or unknown."""
    data = sample.text.encode()

    for end in range(0, len(data), 7):
        text = data[:end].decode("utf-8", "replace")
        assert parse_whois_answer(text, sample.domain, sample.server, strict=True).outcome is not Outcome.UNREGISTERED


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_spliced_and_shuffled_records_are_never_free(data) -> None:
    """Lines of records in any order, from any place of one or two of them, never say that a name is free."""
    one = data.draw(st.sampled_from(samples.REGISTERED))
    two = data.draw(st.sampled_from(samples.REGISTERED))
    lines = one.text.splitlines() + two.text.splitlines()
    order = data.draw(st.permutations(lines))[: data.draw(st.integers(0, len(lines)))]
    text = "\n".join(order)[data.draw(st.integers(0, 40)) :]

    assert parse_whois_answer(text, one.domain, one.server, strict=True).outcome is not Outcome.UNREGISTERED


@pytest.mark.parametrize("sample", samples.FREE, ids=lambda s: f"{s.server}-{s.text[:12]}")
def test_half_a_free_line_says_nothing(sample: samples.Sample) -> None:
    """Only the complete line counts: cut before its last word it is unknown."""
    line = sample.text.replace(samples.LEGAL, "").rstrip()
    cut = line.rpartition(" ")[0] if " " in line.splitlines()[-1] else line[:-2]

    assert parse_whois_answer(cut, sample.domain, sample.server, strict=True).outcome is not Outcome.UNREGISTERED


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=400), domain=st.text(max_size=40), server=st.text(max_size=40))
def test_any_text_gives_a_reading(text: str, domain: str, server: str) -> None:
    """The parser is total, whatever the text, the name and the server are."""
    assert parse_whois_answer(text, domain, server).reason
    assert len(make_excerpt(text)) <= 2000
    referral_of(text)


WORDS = (
    "not found ",
    "domain ",
    "error ",
    "no match for ",
    "query limit ",
    "your ",
    "{} ",
    "exceeded ",
    "reserved ",
    "status: ok, ",
    "a.b ",
    "domain is in auction ",
    "in the a b auction ",
    "release process: waiting ",
    "status: to be released ",
    "remarks: scheduled for deletion ",
)


@pytest.mark.parametrize("word", WORDS)
def test_hostile_answers_take_bounded_time(word: str) -> None:
    """A quarter of a MiB of trigger words is read in a moment, in one line or in thousands."""
    mass = word * (TEXT_LIMIT // len(word))

    for text in (mass, "\n".join(mass[at : at + 230] for at in range(0, len(mass), 230)), "Domain Name: a.com\n" + mass):
        began = time.process_time()
        parse_whois_answer(text, "a.com", "whois.nic.xyz", strict=True)
        assert time.process_time() - began < 0.5


def test_an_excerpt_keeps_what_decides_and_no_contacts() -> None:
    """Parsed again, the excerpt of an answer gives the same reading; contact data is gone."""
    for sample in samples.REGISTERED + samples.FREE:
        kept = make_excerpt(sample.text)
        assert parse_whois_answer(kept, sample.domain, sample.server, strict=True).outcome == sample.outcome
        assert "Some Body" not in kept
    text = "Domain Name: a.com\nRegistrant Email: jane@a.com\nPhone: +1.5551234567\nRegistrant:\n  Jane Doe\n  1 Main Street\n"
    kept = make_excerpt(text)
    assert kept == "Domain Name: a.com"


def test_referrals_of_iana_are_read() -> None:
    """The server of the suffix, with or without port; garbage is None."""
    assert referral_of("refer:   whois.denic.de\n\ndomain: DE\n") == "whois.denic.de"
    assert referral_of("domain: LAB\nwhois:   127.0.0.9:4343\n") == "127.0.0.9:4343"
    assert referral_of("whois:  \nrefer: http://evil.test/x\n") is None
    assert referral_of("") is None


def test_the_table_knows_hosts_and_dialects() -> None:
    """The longest suffix wins, gone services are gone, and some servers want to be asked in their own way."""
    assert whois_server("com") == query_format_of("whois.verisign-grs.com")
    assert whois_server("com").query == "domain {fqdn}\r\n"
    assert whois_server("co.uk").host == "whois.nic.uk"
    assert whois_server("uk.com").host == "whois.centralnic.net"
    assert whois_server("de").query == "-T dn,ace {fqdn}\r\n"
    assert whois_server("fi").charset == "iso-8859-1"
    assert all(whois_server(gone) is None for gone in ("info", "mobi", "pro", "travel", "jobs", "zz"))
    assert query_format_of("127.0.0.1").query == "{fqdn}\r\n"


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of recorded answers is not here")
def test_the_corpus_is_read_within_its_bounds() -> None:
    """No false "available", 99.5 % right, 97 % of the asserted dates right, a thousand answers a second and more."""
    with gzip.open(CORPUS, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    began = time.process_time()
    readings = [parse_whois_answer(row["text"], row["domain"] or "", row["server"]) for row in rows]
    took = time.process_time() - began
    scored = [(row, reading) for row, reading in zip(rows, readings, strict=True) if not row["needs_context"]]
    wrong = [row["id"] for row, reading in scored if VERDICTS.get(reading.outcome, "unknown") not in row["accept"]]
    false = [
        row["id"] for row, reading in scored if reading.outcome is Outcome.UNREGISTERED and "available" not in row["accept"]
    ]
    dates = [hit for row, reading in scored if row["label"] == "registered" for hit in _dates(row["expected"] or {}, reading)]

    assert false == []
    assert len(wrong) <= 0.005 * len(scored), wrong
    assert sum(dates) >= 0.97 * len(dates)
    assert len(rows) / took > 1000


def _dates(expected, reading):
    for asserted, field in (("created_on", "created_at"), ("expires_on", "expires_at")):
        want, got = _day(expected.get(asserted)), _day(getattr(reading.fields, field))
        if want is not None:
            yield got is not None and abs((got - want).days) <= 1


def _day(value):
    try:
        return dt.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
