"""WHOIS answers about names that are being released or deleted: the registry's own word is read and decides."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.model.evidence import Outcome, Phase, Reading
from common.core.parsers.whois import parse_whois_answer
from common.core.parsers.whois.excerpt import make_excerpt
from tests.core.parsers import whois_samples as samples
from tests.core.parsers.whois_samples import BRAZILIAN, ESTONIAN, POLISH, RELEASE_LEGAL, RELEASING

#: Answers of which no part is a free line of its own.
WHOLE = tuple(sample for sample in RELEASING if "found" not in sample.text and "Status: Available" not in sample.text)


def ask(text: str, domain: str = "blueheron.ee", server: str = "whois.tld.ee") -> Reading:
    """The reading of one answer to a live query."""
    return parse_whois_answer(text, domain, server, strict=True)


@pytest.mark.parametrize(
    "word", ["AtAuction", "PendingRegistration", "atauction", "AT_AUCTION", "pendingRegistration", "In auction"]
)
def test_the_reason_names_the_registrys_word(word: str) -> None:
    """The reason quotes what the registry printed, in its spelling."""
    reading = ask(ESTONIAN.format(f"status:                {word}"))

    assert (reading.outcome, reading.finding) == (Outcome.DROPPING, "whois_dropzone")
    assert reading.reason.endswith(f": {word}")


@pytest.mark.parametrize(
    "line",
    [
        "release process: waiting",
        "% release process: waiting",
        "%release process:    waiting",
        "domain:      blueheron.com.br\nrelease process:  waiting",
        "domain:      blueheron.com.br\n% release process: waiting",
        "domain:      blueheron.com.br\nrelease process: competitive",
        "domain:      blueheron.com.br\nstatus:      release process waiting",
    ],
)
def test_a_release_process_that_goes_on_is_read_with_and_without_comment_mark(line: str) -> None:
    """registro.br prints it as a label or as a comment."""
    reading = ask(BRAZILIAN.format(line), "blueheron.com.br", "whois.registro.br")

    assert reading.outcome is Outcome.DROPPING
    assert "release process" in reading.reason


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("deleteCandidate", Phase.PENDING_DELETE),
        ("to be released", Phase.PENDING_DELETE),
        ("To be deleted", Phase.PENDING_DELETE),
        ("toBeDeleted", Phase.PENDING_DELETE),
        ("to be released on 2027-01-01", Phase.PENDING_DELETE),
        ("Released on 2027-01-01", Phase.PENDING_DELETE),
        ("scheduled for deletion", Phase.PENDING_DELETE),
        ("DELETE_BLOCKED", Phase.PENDING_DELETE),
        ("pendingDeleteScheduledForRelease", Phase.PENDING_DELETE),
        ("PendingRelease", Phase.REDEMPTION),
        ("Disputed", Phase.ACTIVE),
    ],
)
def test_a_status_about_an_object_that_exists_is_registered(status: str, phase: Phase) -> None:
    """An announced deletion is pending delete, a word for what can be restored is redemption, and a dispute is no deletion."""
    reading = ask(ESTONIAN.format(f"status:                {status}"))

    assert (reading.outcome, reading.finding, reading.phase) == (Outcome.REGISTERED, "whois_registered", phase)


def test_the_reason_of_an_announced_deletion_names_the_word() -> None:
    """Status or sentence, whichever the registry printed."""
    assert "delete candidate" in ask(ESTONIAN.format("status: deleteCandidate")).reason
    text = POLISH.format("blueheron.pl is to be released after termination")
    assert "is to be released after termination" in ask(text, "blueheron.pl", "whois.dns.pl").reason


@pytest.mark.parametrize(
    ("said", "phase"),
    [
        ("blueheron.pl is to be released after termination", Phase.PENDING_DELETE),
        ("Domain name is to be released after termination.", Phase.PENDING_DELETE),
        ("blueheron.pl's billing period had finished", Phase.REDEMPTION),
        ("state:   BLOCKED", Phase.REDEMPTION),
        ("state:   DELETE_BLOCKED", Phase.PENDING_DELETE),
        ("no option", None),
    ],
)
def test_a_sentence_beside_a_record_tells_the_phase(said: str, phase: Phase | None) -> None:
    """dns.pl says in a sentence what other registries say in a status."""
    reading = ask(POLISH.format(said), "blueheron.pl", "whois.dns.pl")

    assert (reading.outcome, reading.phase) == (Outcome.REGISTERED, phase)
    assert reading.fields.created_at == "2001-06-20T13:00:00Z"


def test_blocked_means_what_its_own_registry_means_by_it() -> None:
    """At dns.pl the registrant may still pay; elsewhere a blocked name without a record cannot be registered."""
    text = "Domain Name: {}\nStatus: BLOCKED\n"

    assert ask(text.format("blueheron.pl"), "blueheron.pl", "whois.dns.pl").phase is Phase.REDEMPTION
    assert ask(text.format("blueheron.it"), "blueheron.it", "whois.nic.it").outcome is Outcome.RESERVED


def test_a_sentence_without_a_record_announces_a_deletion() -> None:
    """The object exists, although nothing of it is printed; beside "not found" the answer proves nothing."""
    said = "blueheron.pl is to be released after termination\n"
    reading = ask(said, "blueheron.pl", "whois.dns.pl")

    assert (reading.outcome, reading.phase) == (Outcome.REGISTERED, Phase.PENDING_DELETE)
    assert ask(said + "\nNo match for blueheron.pl\n", "blueheron.pl", "whois.dns.pl").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("sample", samples.REGISTERED, ids=lambda s: s.domain)
@pytest.mark.parametrize("said", ["Status: AtAuction", "% Domain is in auction", "Remarks: for sale at auction"])
def test_a_full_record_is_held_whatever_is_said_of_an_auction(sample: samples.Sample, said: str) -> None:
    """Dates, registrar and name servers beside an auction: the object is there, so the name is registered."""
    reading = ask(f"{sample.text}\n\n{said}\n", sample.domain, sample.server)

    assert reading.outcome is Outcome.REGISTERED
    assert reading.fields.created_at == ask(sample.text, sample.domain, sample.server).fields.created_at


def test_a_limit_comes_before_a_release() -> None:
    """A rate limited answer says nothing about the name, whatever else is printed."""
    text = "% Query rate limit exceeded. Reduced information.\n% release process: waiting\n"

    assert ask(text, "blueheron.com.br", "whois.registro.br").outcome is Outcome.THROTTLED


def test_the_release_of_another_name_proves_nothing() -> None:
    """Neither in a labelled answer nor in a sentence."""
    for text in (
        ESTONIAN.format("status: AtAuction"),
        "Domain Name: blueheron.ee\n\n% release process: waiting\n",
        "Domain blueheron.ee is in auction\n",
        "blueheron.ee is to be released after termination\n",
    ):
        assert ask(text, "redheron.ee").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("sample", samples.REGISTERED + samples.FREE, ids=lambda s: f"{s.server}-{s.finding}")
def test_legal_text_about_releases_changes_nothing(sample: samples.Sample) -> None:
    """Above or below an answer, plain or as comments: outcome and phase stay as they are."""
    alone = ask(sample.text, sample.domain, sample.server)
    comments = "\n".join(f"% {line}" for line in RELEASE_LEGAL.splitlines())

    for legal in (RELEASE_LEGAL, comments):
        for text in (f"{legal}\n\n{sample.text}", f"{sample.text}\n\n{legal}"):
            reading = ask(text, sample.domain, sample.server)
            assert (reading.outcome, reading.finding, reading.phase) == (alone.outcome, alone.finding, alone.phase)


@pytest.mark.parametrize("width", range(44, 120, 5))
def test_wrapped_anywhere_legal_text_says_nothing(width: int) -> None:
    """No way to break the lines of a legal notice makes one of them the registry's word about a name."""
    words, lines = RELEASE_LEGAL.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += f"{word} "
    reading = ask("\n".join(line.strip() for line in lines) + "\n\nDomain not found\n")

    assert reading.outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize("sample", WHOLE, ids=lambda s: f"{s.server}-{s.text.strip()[-20:]!r}")
def test_a_release_cut_anywhere_is_never_free(sample: samples.Sample) -> None:
    """Cutting either end off leaves dropping, unknown or what is taken."""
    for at in range(len(sample.text)):
        for text in (sample.text[:at], sample.text[at:]):
            assert ask(text, sample.domain, sample.server).outcome is not Outcome.UNREGISTERED


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_shuffled_with_records_and_legal_text_a_release_is_never_free(data) -> None:
    """The lines of a release among those of a record and of legal notices, in any order."""
    one = data.draw(st.sampled_from(WHOLE))
    two = data.draw(st.sampled_from(samples.REGISTERED))
    lines = one.text.splitlines() + two.text.splitlines() + RELEASE_LEGAL.splitlines() + samples.LEGAL.splitlines()
    order = data.draw(st.permutations(lines))[: data.draw(st.integers(0, len(lines)))]

    assert ask("\n".join(order), one.domain, one.server).outcome is not Outcome.UNREGISTERED


def test_a_free_line_is_taken_back_by_a_release_wherever_it_stands() -> None:
    """Adding the registry's word to an answer that is free never leaves it free."""
    rng = random.Random(3)
    for sample in samples.FREE:
        for said in (
            "Domain is in auction",
            "status: AtAuction",
            "release process: waiting",
            "Domain is to be released on 2027-01-01",
        ):
            lines = sample.text.replace(samples.LEGAL, "").splitlines()
            lines.insert(rng.randint(0, len(lines)), said)
            assert ask("\n".join(lines) + "\n", sample.domain, sample.server).outcome is not Outcome.UNREGISTERED


@pytest.mark.parametrize("sample", RELEASING, ids=lambda s: f"{s.server}-{s.text.strip()[-20:]!r}")
def test_an_excerpt_keeps_the_registrys_word(sample: samples.Sample) -> None:
    """Judged again from the kept copy, a release is still one."""
    assert ask(make_excerpt(sample.text), sample.domain, sample.server).outcome is Outcome.DROPPING
