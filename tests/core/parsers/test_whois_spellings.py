"""WHOIS answers in unusual spellings: blanks, apostrophes, columns, scripts, and the same said in other words."""

import pytest

from common.core.model.evidence import Outcome, Reading
from common.core.parsers.whois import parse_whois_answer

THAI = "xn--o3cw4h.xn--o3cw4h"


def ask(text: str, domain: str = "blueheron.mc", server: str = "whois.nic.mc") -> Reading:
    """The reading of an answer to a live query."""
    return parse_whois_answer(text, domain, server, strict=True)


@pytest.mark.parametrize(
    "line",
    [
        ">> No information found for domain : blueheron.mc", "No data found for domain : BLUEHERON.MC", "Domain not found !",
        "NO  MATCH   FOR   BLUEHERON.MC", "No\u00a0match for blueheron.mc", "Status : free",
        "Domain : blueheron.mc\nStatus : AVAILABLE",
        "%% Requested Domain cannot be found", "The requested name could not be found",
        "This domain can not be found in the registry",
        "The requested domain was not found in the Registry or Registrar\u2019s WHOIS Server.", "The domain doesn\u2019t exist",
        "Domain blueheron.mc hasn't been registered", "The domain you have requested is not registered",
        "Not Registered - The name you have requested (blueheron.mc) is not a registered .mc domain name.",
        "Unfortunately, No Results Were Found", "No match for “blueheron.mc”", "No match for «blueheron.mc»",
        "No match for [blueheron.mc].", "No match for 'blueheron.mc.'", "No match for <BLUEHERON.MC>",
        "Data not found. This domain is available for registration.", "상기 도메인이름은 등록되어 있지 않습니다.",
        "Domain available", "Domain unknown.", "Domain free", "Domain unregistered", "Domain unassigned", "Domain unused",
    ],
)  # fmt: skip
def test_a_free_line_is_read_in_every_spelling(line: str) -> None:
    """Blanks before a colon, double blanks, marks of typography, names in quotes and brackets, other words for "not"."""
    assert ask(f"{line}\n").outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize(
    "line", ["Domain taken", "Domain otherheron.mc", "Domain name", "Domain free for all", "Domain : ", "Domain available soon"]
)
def test_a_sentence_that_begins_with_domain_is_not_free_by_that(line: str) -> None:
    """Neither behind another name nor behind an unknown word."""
    assert ask(f"{line}\n").outcome is Outcome.UNKNOWN


def test_a_word_behind_domain_is_no_printed_name() -> None:
    """One that is a sentence, one that heads a record, and one that heads that of another name."""
    facts = "Created: 2001-02-03\nExpires: 2031-02-03\n"

    assert ask(f"Domain blueheron.mc\n{facts}").outcome is Outcome.REGISTERED
    assert ask(f"Domain otherheron.mc\n{facts}").finding == "whois_wrong_name"
    assert ask("Domain available\nDomain otherheron.mc\n").finding == "whois_wrong_name"


@pytest.mark.parametrize(
    ("printed", "asked"),
    [
        ("MÜNCHEN.MC", "xn--mnchen-3ya.mc"),
        ("mu\u0308nchen.mc", "xn--mnchen-3ya.mc"),
        ("XN--MNCHEN-3YA.MC", "xn--mnchen-3ya.mc"),
        ("ไทย.ไทย", THAI),
        ("कंपनी.भारत", "xn--" + "कंपनी".encode("punycode").decode() + ".xn--" + "भारत".encode("punycode").decode()),
    ],
)
def test_a_name_in_its_own_script_is_the_name_asked_for(printed: str, asked: str) -> None:
    """In capitals, composed or decomposed, with vowel signs, in quotes or bare; another name in the same script is not."""
    for line in (f'No match for "{printed}".\n', f"No match for {printed}\n", f"{printed}: no entries found\n"):
        assert ask(line, asked).outcome is Outcome.UNREGISTERED, line
    assert ask(f"No match for x{printed}\n", asked).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "Domain-name      blueheron.mc\ndns_name         ns1.heron.test\nValid-date       2031-05-04\nStatus     DOM_OK\n",
        "domain       blueheron.mc\ncreated      2001-05-04\nexpires      2031-05-04\n",
        "Domain Name : blueheron.mc\nCreation Date : 2001-05-04\nExpiry Date : 2031-05-04\n",
        "Domain Name\uff1a blueheron.mc\nCreation Date\uff1a 2001-05-04\nExpiry Date\uff1a 2031-05-04\n",
        "Domain Name\t: blueheron.mc\nExpiry Date\t: 2031-05-04\n",
        "Domain Name: “blueheron.mc”\nErstellt am: 2001-05-04\nAblaufdatum: 2031-05-04\n",
        "Domain Name: <BLUEHERON.MC>\nData creazione: 2001-05-04\nDate d\u2019expiration : 2031-05-04\n",
        "Domain Name: blueheron.mc\n注册时间: 2001-05-04\n到期时间: 2031-05-04\n",
    ],
)
def test_a_record_is_read_in_every_spelling(text: str) -> None:
    """Columns instead of colons, blanks before them, wide colons, labels in other languages."""
    reading = ask(text)

    assert reading.outcome is Outcome.REGISTERED
    assert reading.fields.expires_at == "2031-05-04"


def test_a_sentence_with_a_wide_gap_is_no_label() -> None:
    """Prose whose first word is a label, with blanks after its stop."""
    text = "Users may ask the sponsoring\nregistrar.    The compilation of this data is free.\n\nNo match for blueheron.mc\n"

    assert ask(text).outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize(
    ("lines", "expires"),
    [
        ("Renew date: 8 Oct 2012\nExp date: 7 Oct 2013", "2013-10-07"),
        ("Expiration: 2013-10-07\nRenewal date: 2012-10-08", "2013-10-07"),
        ("Renewal: 2013-10-07", "2013-10-07"),
        ("Renewal date: 2013.10.07\nOption expiration date: 2012.10.08", "2013-10-07"),
        ("Last renewed on: 2012-10-08\nExpire on: 2013-10-07", "2013-10-07"),
    ],
)
def test_a_renewal_is_the_expiry_only_where_no_other_is_printed(lines: str, expires: str) -> None:
    """Some servers mean the next renewal, others the last one and print the expiry beside it."""
    reading = ask(f"Domain: blueheron.mc\nCreated: 2004-10-08\n{lines}\n")

    assert (reading.outcome, reading.fields.expires_at) == (Outcome.REGISTERED, expires)


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("the Domain Name you apply can not be registered online. Please ask a registrar", Outcome.RESERVED),
        ("This name cannot be registered", Outcome.RESERVED), ("Domain blueheron.mc may not be registered", Outcome.RESERVED),
        ("This is an ICANN reserved name", Outcome.RESERVED),
        ("Prohibited String - Object Cannot Be Registered", Outcome.RESERVED),
        ("Error code: 01044\nError message: The domain name requested has usage restrictions applied to it.", Outcome.RESERVED),
        ("This request domain name is restricted to specifically qualified registrants", Outcome.RESERVED),
        ("Registration of this domain requires approval", Outcome.RESERVED), ("% reserved:    CG", Outcome.RESERVED),
        ("상기 도메인이름은 공공의 이익을 위하여 등록자격이 제한된 도메인이름입니다.", Outcome.RESERVED),
        ("Domain name is invalid", Outcome.INVALID), ("The requested name is not valid", Outcome.INVALID),
        ("reserved: no", Outcome.UNKNOWN), ("Reservations are made by telephone", Outcome.UNKNOWN),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_registered_is_recognised_in_any_words(line: str, outcome: Outcome) -> None:
    """Alone, and beside a free line."""
    assert ask(f"{line}\n").outcome is outcome
    assert ask(f"Domain not found\n{line}\n").outcome in {outcome, Outcome.UNREGISTERED}
