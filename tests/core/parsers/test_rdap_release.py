"""RDAP answers about names that are being released or deleted."""

import json

import pytest

from common.core.model.evidence import Outcome, Phase
from common.core.parsers.rdap import parse_rdap_answer
from common.core.verdict.likelihoods import FINDINGS

TYPE = {"Content-Type": "application/rdap+json"}
HOLDER = (
    {"events": [{"eventAction": "registration", "eventDate": "2020-01-01T00:00:00Z"}]},
    {"entities": [{"roles": ["registrar"], "handle": "1", "vcardArray": ["vcard", [["fn", {}, "text", "Acme"]]]}]},
    {"nameservers": [{"ldhName": "ns1.example.net"}]},
)
SAID = (
    "Domain is at auction",
    "AtAuction",
    "PendingRegistration",
    "example.ee is in auction until 2027-01-01",
    "Release process: waiting",
    "This domain is available for application",
    "The name is queued for registration. Please wait.",
)
LEGAL = (
    "Domain names in auction are listed at https://auction.example.test/",
    "A domain name is to be deleted thirty days after its expiry.",
    "This domain name may be released. This domain is not in auction.",
)


def found(**more):
    """The reading of a bare domain object of example.ee."""
    record = {"objectClassName": "domain", "ldhName": "example.ee"} | more
    return parse_rdap_answer(200, TYPE, json.dumps(record).encode(), "example.ee")


def missing(**more):
    """The reading of an RDAP error about example.ee."""
    error = {"rdapConformance": ["rdap_level_0"], "errorCode": 404, "title": "Not Found"} | more
    return parse_rdap_answer(404, TYPE, json.dumps(error).encode(), "example.ee")


@pytest.mark.parametrize("word", ["at auction", "AtAuction", "pending registration", "release process waiting", "auction"])
def test_an_object_whose_status_says_so_is_in_the_release_procedure(word):
    """A bare object that only tells of the procedure has no holder; the reason names the word."""
    for statuses in ([word], ["inactive", word]):
        reading = found(status=statuses)
        assert (reading.outcome, reading.finding) == (Outcome.DROPPING, "rdap_200_dropping")
        assert word.lower().replace("ata", "at a") in reading.reason


@pytest.mark.parametrize("text", SAID)
def test_a_remark_of_a_bare_object_is_the_registrys_word_too(text):
    """In notices and in remarks, with and without a title."""
    for key in ("notices", "remarks"):
        for remark in ({"title": "Status", "description": [text]}, {"description": text}, {"title": text}):
            assert found(**{key: [remark]}, status=["inactive"]).finding == "rdap_200_dropping"


@pytest.mark.parametrize("holder", HOLDER)
@pytest.mark.parametrize("said", [{"status": ["at auction"]}, {"remarks": [{"description": ["Domain is at auction"]}]}])
def test_an_object_with_a_holder_is_registered_whatever_is_said_of_an_auction(holder, said):
    """The object exists as long as it has a date, a registrar or name servers."""
    assert found(**holder, **said).finding == "rdap_200_match"


@pytest.mark.parametrize("text", SAID)
def test_a_404_that_names_a_release_procedure_is_dropping(text):
    """Title, description and notices; the reason names the words."""
    for error in ({"title": text}, {"description": [text]}, {"description": text}, {"notices": [{"description": [text]}]}):
        reading = missing(**error)
        assert (reading.outcome, reading.finding) == (Outcome.DROPPING, "rdap_404_dropping")
        assert reading.reason.count(": ")


@pytest.mark.parametrize("text", ["Domain is to be deleted", "deleteCandidate", "Domain is to be released on 2027-01-01"])
def test_a_404_with_an_announced_deletion_proves_nothing(text):
    """No object and an object that will be deleted: one of them is wrong."""
    for error in ({"title": text}, {"description": [text]}, {"remarks": [{"description": [text]}]}):
        assert missing(**error).finding == "rdap_404_doubtful"


@pytest.mark.parametrize(
    ("statuses", "phase"),
    [
        (["delete candidate"], Phase.PENDING_DELETE),
        (["deleteCandidate", "inactive"], Phase.PENDING_DELETE),
        (["to be released"], Phase.PENDING_DELETE),
        (["to be deleted", "redemption period"], Phase.REDEMPTION),
        (["pending release"], Phase.REDEMPTION),
        (["disputed"], Phase.ACTIVE),
        (["pending delete", "at auction"], Phase.PENDING_DELETE),
    ],
)
def test_an_announced_deletion_is_a_phase_of_the_object(statuses, phase):
    """The object is there; what can be restored is redemption."""
    for holder in ({}, *HOLDER):
        reading = found(status=statuses, **holder)
        assert (reading.outcome, reading.phase) == (Outcome.REGISTERED, phase)


def test_a_remark_announces_a_deletion_where_no_status_does():
    """The reason names it; a status that says more about the phase comes first."""
    remarks = [{"title": "Note", "description": ["This domain is scheduled for deletion."]}]
    reading = found(status=["active"], remarks=remarks, **HOLDER[0])

    assert reading.phase is Phase.PENDING_DELETE
    assert "scheduled for deletion" in reading.reason
    assert found(status=["redemption period"], remarks=remarks).phase is Phase.REDEMPTION


@pytest.mark.parametrize("text", LEGAL)
def test_legal_text_about_releases_changes_nothing(text):
    """Under any title, and whatever it forbids under the title of the terms of use."""
    for title in ("Notice", "Terms of Use"):
        notices = [{"title": title, "description": [text]}]
        assert missing(notices=notices).finding == "rdap_404_json"
        assert found(notices=notices, status=["active"]).phase is Phase.ACTIVE
    terms = [{"title": "Terms of Use", "description": ["Domain is at auction", "Domain is to be deleted"]}]
    assert missing(notices=terms).finding == "rdap_404_json"
    assert found(notices=terms, status=["active"]).finding == "rdap_200_match"


def test_a_name_with_the_word_in_it_is_no_word_of_the_registry():
    """A "not found" about a name made of the words is still "not found"."""
    for name in ("atauction.ee", "in-auction.ee", "release-process.ee"):
        error = {"rdapConformance": ["rdap_level_0"], "errorCode": 404, "title": f"{name} not found"}
        assert parse_rdap_answer(404, TYPE, json.dumps(error).encode(), name).outcome is Outcome.UNREGISTERED


def test_what_is_quoted_can_be_carried():
    """A lone surrogate in a remark, and one as long as a statement may be, give a reason that fits and can be encoded."""
    for tail in ("\ud800", "x" * 95):
        said = {"description": [f"Domain is at auction, {tail}"]}
        for reading in (found(remarks=[said]), missing(notices=[said]), missing(**said)):
            assert reading.outcome is Outcome.DROPPING
            assert len(reading.reason.encode()) <= 300


def test_both_ways_of_dropping_weigh_the_same():
    """An object that says so and an error that says so are the same word of the same registry."""
    assert FINDINGS["rdap_200_dropping"] == FINDINGS["rdap_404_dropping"]
