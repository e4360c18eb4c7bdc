"""WHOIS answers with a free line and something else beside it: what is not understood makes them prove nothing."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.model.evidence import Outcome, Reading
from common.core.parsers.whois import parse_whois_answer
from common.core.parsers.whois.excerpt import make_excerpt
from common.core.parsers.whois.lines import TEXT_LIMIT

TERMS = (
    "\nTERMS OF USE: you are not authorized to query this service by automated means. Names may be reserved, restricted,\n"
    "blocked or not available, and registration of premium names is prohibited without approval of the registry.\n"
)
STAMP = "\n>>> Last update of WHOIS database: 2026-03-01T10:00:00Z <<<\n"
#: Ways in which a server prints a free line and, in place of {}, another line.
LAYOUTS = (
    "DOMAIN NOT FOUND\n{}\n",
    "{}\nDOMAIN NOT FOUND\n",
    "Domain Name: blueheron.so\nDomain Status: No Object Found\n{}\n" + STAMP + TERMS,
    "DOMAIN NOT FOUND\n\n{}" + STAMP + TERMS,
    "% {}\n%\n% No match for blueheron.so\n",
    "DOMAIN NOT FOUND\n{}" + TERMS,
)
DOUBTS = (
    "Notes: This name is invalid and can not be registered", "Reason: Reserved", "Remarks: ask the ministry first",
    "Comment : held for a later phase", "This name is withheld", "Domain is on hold", "Domain Status: Held", "State: blocked",
    "Registration status: not open", "Registration of this name requires approval of the registry", "Name is protected",
    "Only local companies may register this name", "Name conflicts with a geographic term", "Error 501: internal error",
    "Prohibited String", "Premium: yes", "[reserved]", "*** RESERVED ***", "(blocked by registry)", "Currently in quarantine",
    "Available only through auction", "This string is a homograph of a registered name", "Unavailable", "Sunrise",
)  # fmt: skip
FOREIGN = (
    "Motif : nom de domaine réservé", "Ce nom de domaine est réservé", "Motivo: nombre reservado", "Domínio bloqueado",
    "Observação: em análise", "Dieser Domainname ist gesperrt", "Grund: siehe Richtlinie", "Navnet er reservert",
    "Deze domeinnaam is geblokkeerd", "Domännamnet är spärrat", "Verkkotunnus on varattu", "Doména je rezervovaná",
    "Domena jest zarezerwowana", "A név fenntartott", "Domeniu rezervat", "Rezerve edildi", "Домен зарезервирован",
    "Причина: решение суда", "Όνομα δεσμευμένο", "该域名为保留域名", "备注\uff1a内部", "このドメイン名は予約されています",
    "이 도메인은 제한되어 있습니다", "비고: 검토", "اسم محجوز",
)  # fmt: skip


def ask(text: str, server: str = "whois.nic.so") -> Reading:
    """The reading of an answer to a live query about blueheron.so."""
    return parse_whois_answer(text, "blueheron.so", server, strict=True)


@pytest.mark.parametrize("line", DOUBTS + FOREIGN)
def test_a_line_that_may_mean_something_else_ends_the_free_line(line: str) -> None:
    """In every language, above or below, with or without a label, as a comment or plain."""
    for layout in LAYOUTS:
        assert ask(layout.format(line)).outcome is not Outcome.UNREGISTERED, layout


def test_the_reason_names_the_line() -> None:
    """The reason quotes the line beside the free line."""
    reading = ask("DOMAIN NOT FOUND\nName is protected\n")

    assert (reading.outcome, reading.finding) == (Outcome.UNKNOWN, "whois_doubtful")
    assert reading.reason.endswith("Name is protected")


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("Notes: This name is invalid and can not be registered", Outcome.RESERVED),
        ("Notes: This name cannot be registered", Outcome.RESERVED),
        ("Reason: Reserved", Outcome.RESERVED),
        ("Notes: Premium name", Outcome.PREMIUM),
        ("Reason: invalid", Outcome.INVALID),
        ("Message: Query limit exceeded", Outcome.THROTTLED),
    ],
)
def test_a_reason_that_is_understood_says_what_it_says(line: str, outcome: Outcome) -> None:
    """Behind its label it is read by the same rules as anywhere else."""
    assert ask(LAYOUTS[2].format(line)).outcome is outcome


def test_a_reason_on_the_line_below_its_label_counts() -> None:
    """The label stands alone, its value follows."""
    assert ask("DOMAIN NOT FOUND\nReason:\n    decided by the board\n").finding == "whois_doubtful"


@pytest.mark.parametrize(
    "line",
    [
        "", "Notes:", "Remarks: none", "Remarks: -", "Notes: n/a", "remarks: mail abuse to abuse@nic.so",
        "Remarks: see https://nic.so/whois", "WHOIS lookup made at 13:41:00 01-May-2026.", "For more information visit https://nic.so",
        "Domain Name: blueheron.so", "Domain names can now be registered with many different competing registrars.",
        "Copyright (c) Registry of .so. All rights reserved.", "Rights restricted by copyright.",
        "This WHOIS service is restricted to lawful purposes.", "Note: this service is provided for information purposes only.",
        "Domains up to three letters are premium domains.", "This server is operated by the registry.",
    ],
)  # fmt: skip
def test_what_only_explains_the_service_changes_nothing(line: str) -> None:
    """Pointers, empty remarks, stamps and sentences about all names: the free line stays one."""
    for layout in LAYOUTS:
        assert ask(layout.format(line)).outcome is Outcome.UNREGISTERED, layout


def test_a_disclaimer_below_is_not_read() -> None:
    """It holds every doubtful word, wrapped, as a comment, in one long line, or without any word that marks it."""
    prose = (
        "Whatever stands in this place was written by a committee that wanted to be complete, so names can be reserved or\n"
        "blocked in it, and one paragraph after the other says that nothing at all is available or that all is prohibited and\n"
        "invalid, until the reader gives up.\n"
    )
    comments = "\n".join(f"% {line}" for line in TERMS.splitlines())
    for legal in (TERMS, comments, " ".join(TERMS.split()), prose, "NOTICE: " + prose):
        for text in (f"DOMAIN NOT FOUND\n\n{legal}", f"{legal}\n\nDOMAIN NOT FOUND\n"):
            assert ask(text).outcome is Outcome.UNREGISTERED, text


@pytest.mark.parametrize("line", ["Notes: held by the board", "This name is withheld", "Domain Status: Held"])
def test_a_statement_about_the_name_counts_even_below_the_disclaimer(line: str) -> None:
    """If it opens a paragraph of its own: a disclaimer may hold such lines, but not begin with them."""
    assert ask(f"DOMAIN NOT FOUND\n{TERMS}\n{line}\n").finding == "whois_doubtful"
    assert (
        ask(f"DOMAIN NOT FOUND\n{TERMS}This name may be blocked. Names are reserved at times.\n").outcome
        is Outcome.UNREGISTERED
    )


def test_the_words_of_the_name_itself_are_no_doubt() -> None:
    """A name may be made of any word."""
    for name in ("reserved-heron.so", "premium-blocked.so", "error.so"):
        assert parse_whois_answer(f"{name} - No Match\n", name, "whois.nic.so", strict=True).outcome is Outcome.UNREGISTERED
        assert (
            parse_whois_answer(f"No match for domain {name}\n", name, "whois.nic.so", strict=True).outcome
            is Outcome.UNREGISTERED
        )


def test_a_record_is_not_doubted() -> None:
    """Remarks beside the record of a name leave it registered."""
    text = "Domain Name: blueheron.so\nCreation Date: 2001-02-03\nRegistrar: Lab\nRemarks: name was reserved before\n"

    assert ask(text).outcome is Outcome.REGISTERED


def test_the_excerpt_keeps_the_doubt() -> None:
    """Parsed again, the excerpt is as doubtful as the answer."""
    for line in ("Name is protected", "Remarks: ask the ministry first", "Grund: siehe Richtlinie"):
        assert ask(make_excerpt(LAYOUTS[2].format(line))).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "word",
    [
        "'",
        "\u2019",
        "Notes: ",
        "this name is ",
        "reserved ",
        "registrar   ",
        "r\u00e9serv\u00e9 ",
        "too fast ",
        "(",
        "% ",
        "\u67e5\u8be2",
    ],
)
def test_hostile_lines_beside_a_free_line_take_bounded_time(word: str) -> None:
    """A quarter of a MiB of them, in lines of every length and in paragraphs of their own."""
    mass = word * (TEXT_LIMIT // len(word))
    for width, between in ((230, "\n"), (115, "\n"), (100, "\n\n")):
        began = time.process_time()
        ask("DOMAIN NOT FOUND\n" + between.join(mass[at : at + width] for at in range(0, len(mass), width)))
        assert time.process_time() - began < 0.5


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_mixture_of_free_lines_and_doubts_is_free(data: st.DataObject) -> None:
    """Any number of neutral lines around a free line and one doubtful line, in any order."""
    neutral = data.draw(st.lists(st.sampled_from(["", "Server 3", "Welcome to .so", ">>> end <<<"]), max_size=6))
    doubt = data.draw(st.sampled_from(DOUBTS + FOREIGN))
    lines = data.draw(st.permutations([*neutral, "DOMAIN NOT FOUND", doubt]))

    assert ask("\n".join(lines)).outcome is not Outcome.UNREGISTERED
