"""What an answer that proves nothing is called, and the sentence for a name that nothing is known of."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.records import Detail, Evidence
from common.core.telemetry.error_kinds import KINDS, explain_unknown, kind_of

REGISTERED = Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated")


def item(method: str, reading: Reading, at: float = 5.0) -> Evidence:
    """One observation."""
    return Evidence(Observation(method, reading), at, at)


@pytest.mark.parametrize(
    ("finding", "refused", "kind"),
    [
        ("dns_timeout", False, "timeout"),
        ("dns_timeout", True, "timeout"),
        ("http_silent", False, "timeout"),
        ("dns_refused", True, "refused"),
        ("dns_unreachable", True, "refused"),
        ("whois_turned_away", True, "refused"),
        ("rdap_403", False, "refused"),
        ("dns_servfail", False, "server_error"),
        ("rdap_5xx", False, "server_error"),
        ("rdap_status", False, "server_error"),
        ("rdap_error", False, "unreachable"),
        ("dns_no_servers", False, "unreachable"),
        ("no_server", False, "unreachable"),
        ("dns_malformed", False, "garbage"),
        ("rdap_bad_json", False, "garbage"),
        ("whois_wrong_name", False, "garbage"),
        ("not_asked", False, "not_asked"),
        ("left_alone", False, "not_asked"),
        ("not_answered", False, "worker_lost"),
        ("never heard of", False, "garbage"),
    ],
)
def test_every_error_is_of_one_kind(finding: str, refused: bool, kind: str) -> None:
    """Few kinds, by what can be done about one; what is new is garbage until it is named."""
    assert kind_of(Observation("m", unknown_reading(finding, "why"), refused=refused)) == kind
    assert kind in KINDS


def test_throttling_is_a_rate_limit_and_an_answer_is_no_error() -> None:
    """Whatever the finding is called."""
    throttled = Reading(Outcome.THROTTLED, "rdap_throttled", "429", retry_after=5.0)

    assert kind_of(Observation("rdap", throttled, refused=True)) == "rate_limited"
    assert kind_of(Observation("dns", REGISTERED)) is None


def test_a_name_nothing_is_known_of_says_why_in_one_sentence() -> None:
    """Servers that were asked come first; what was never queried follows."""
    detail = Detail(
        trouble={
            "whois": item("whois", unknown_reading("not_asked", "no worker of the deep pool is there")),
            "dns": item("dns", unknown_reading("dns_timeout", "no answer from 4 servers within 5 s")),
            "rdap": item("rdap", unknown_reading("rdap_turned_away", "rdap.test refused the connection")),
        }
    )

    assert explain_unknown(detail) == (
        "no answer from any channel: DNS: no answer from 4 servers within 5 s; "
        "RDAP: rdap.test refused the connection; WHOIS: no worker of the deep pool is there"
    )


def test_an_answer_that_proves_no_state_alone_is_told_beside_the_silence() -> None:
    """A zone's denial is an answer."""
    denied = Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "denied")
    detail = Detail(
        evidence={"dns": item("dns", denied)},
        trouble={"rdap": item("rdap", unknown_reading("rdap_5xx", "the server is broken"))},
    )

    assert explain_unknown(detail) == "DNS says unregistered, which proves no state alone; RDAP: the server is broken"


def test_without_any_answer_it_says_what_the_verdict_said() -> None:
    """And of a name that was never looked at that it was not."""
    assert explain_unknown(Detail()) == "nothing has been asked yet"
    assert explain_unknown(Detail(), "nothing observed so far proves a state") == "nothing observed so far proves a state"


def test_a_long_reason_leaves_room_for_the_others() -> None:
    """Each method has a bounded part of the sentence."""
    detail = Detail(trouble={name: item(name, unknown_reading("x_error", "x" * 300)) for name in ("dns", "rdap", "whois")})

    assert len(explain_unknown(detail)) < 450
