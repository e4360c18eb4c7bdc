"""The registry's word about a release or a deletion: what a statement means, and what legal text never means."""

import time

import pytest

from common.core.model.evidence import Phase
from common.core.parsers.release import LONGEST, announced_phase, in_procedure

PROCEDURE = (
    "domain is in auction",
    "the domain has been placed in the registry's auction until 2027-01-01",
    "this domain is included in the auction",
    "this domain will be released after the auction",
    "the domain will be auctioned on 2027-01-01",
    "doména {} je zařazena do aukce",
    "domena je v aukci",
    "error:112: domain is in auction",
    "status: atauction",
    "remarks: in auction, see https://{}/",
    "auction start: 2027-01-01",
    "at auction",
    "this domain is currently in the auction process",
    "the domain is offered in a domain auction. more at https://{}/",
    "status: auction - waiting",
    "release-process: waiting",
    "release process: 2027-01",
    "release process: waiting",
    "{}: release process: waiting",
    "waiting for the release process",
    "processo de liberação: aguardando",
    "{} is queued up for registration",
    "domain name is awaiting registration",
    "domain name is available for application",
    "this name is currently available for application via the example dropzone service",
)
DELETION = (
    "{} is to be released after termination",
    "{} is to be released after being tasted",
    "domain name is to be released after termination",
    "this domain will be released on 2027-01-01",
    "the domain is scheduled for deletion",
    "this domain is pending release",
    "remarks: to be deleted on 2027-01-01",
    "remarks: released on 01.01.2027",
)
NEITHER = (
    "auction",
    "auctions",
    "release process",
    "deletion",
    "auction monitoring",
    "brand, logo and auction monitoring, as well ssl certificate services",
    "domain names in auction are listed at {}",
    "a domain name is put up for auction fifteen days after its deletion",
    "this domain name may be in auction",
    "this domain is not in auction",
    "the auction has ended",
    "release process: finished",
    "the release process is described at {}",
    "domains to be released are listed at {}",
    "a domain name is to be deleted thirty days after its expiry",
    "this domain name may be deleted",
    "this domain will be deleted if it is not renewed",
    "this domain will be deleted on 2027-01-01 unless it is renewed",
    "the data is to be deleted on request",
    "this domain is available for registration",
    "the domain name is registered",
)


@pytest.mark.parametrize("statement", PROCEDURE)
def test_a_statement_about_the_name_says_that_it_is_being_released(statement: str) -> None:
    """Auctions, queues, release processes and Dropzones, in the forms that registries print."""
    assert in_procedure(statement)
    assert not announced_phase(statement) or "released after" in statement


@pytest.mark.parametrize("statement", DELETION)
def test_a_statement_about_the_name_announces_its_deletion(statement: str) -> None:
    """The object exists, and will be deleted."""
    assert announced_phase(statement) is Phase.PENDING_DELETE
    assert not in_procedure(statement)


@pytest.mark.parametrize("statement", ["{}s billing period had finished", "domain name's billing period has finished"])
def test_a_billing_period_that_has_ended_can_still_be_paid(statement: str) -> None:
    """The .pl registry keeps such a name for its registrant, so it is no announcement of a deletion."""
    assert announced_phase(statement) is Phase.REDEMPTION


@pytest.mark.parametrize("statement", NEITHER)
def test_rules_denials_and_advertisements_say_nothing_about_the_name(statement: str) -> None:
    """Statements about all names, about what may be, about what is not or is over."""
    assert not in_procedure(statement)
    assert announced_phase(statement) is None


@pytest.mark.parametrize("word", ["auction", "dropzone", "book blocked", "offered to waiting list", "auction pending"])
def test_a_status_needs_no_subject(word: str) -> None:
    """What is too little in free text is enough as the value of a status line."""
    assert in_procedure(word, labelled=True)
    assert not in_procedure(word)


def test_a_status_with_a_release_date_announces_a_deletion() -> None:
    """The words "released on <date>" are a plan as a status, and may be anything in free text."""
    assert announced_phase("released on 2027-01-01", labelled=True) is Phase.PENDING_DELETE
    assert announced_phase("released on 2027-01-01") is None
    assert announced_phase("released", labelled=True) is None


def test_what_is_longer_than_a_statement_is_legal_text() -> None:
    """A paragraph that begins like a statement is none."""
    tail = "until " + "x" * LONGEST
    assert not in_procedure(f"domain is in auction {tail}")
    assert announced_phase(f"domain is to be released after {tail}") is None


@pytest.mark.parametrize(
    "piece", ["in the ", "status: ", "the domain is ", "a b at ", "to be ", "{} ", "queued for ", "release process "]
)
def test_hostile_statements_take_bounded_time(piece: str) -> None:
    """Ten thousand statements made of the pieces of the patterns are matched in a moment."""
    statements = [f"{piece * (n % 40)}{n} auction {piece * (n % 7)}"[: LONGEST + 40] for n in range(10_000)]
    began = time.process_time()
    for statement in statements:
        in_procedure(statement, labelled=True)
        announced_phase(statement, labelled=True)
    assert time.process_time() - began < 2
