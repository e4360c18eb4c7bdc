"""WHOIS texts that careless readers take for "free": limits, disclaimers, empty and cut answers, remarks, referrals."""

from __future__ import annotations

from common.core.model.states import State
from tests.lab import net
from tests.lab.faults import Words
from tests.lab.story import Act, Scene
from tests.scenarios.plot import Case, Mischief, Scenario, drops, says

_OWNED = (State.REGISTERED, State.UNDELEGATED)
_DISCLAIMER = (
    "* Domain names that are not found here may be available for registration, or may be reserved.\n"
    "* Use of this service is free of charge. No match in this database does not mean that a name is free\n"
    "* or that it has not been registered. Data that is not found may become available later.\n"
)
_THIN = (
    "   Domain Name: {NAME}\n   Registry Domain ID: D9-LAB\n   Registrar WHOIS Server: " + net.ELSEWHERE_WHOIS + "\n"
    "   Creation Date: 2019-05-05T00:00:00Z\n   Registrar: Lab Registrar One\n"
    "   Domain Status: pendingDelete https://icann.org/epp#pendingDelete\n"
    "   Domain Status: redemptionPeriod https://icann.org/epp#redemptionPeriod\n"
)

SCENARIOS = (
    Scenario(
        "whois-throttle-with-no-entries",
        ("cause 2",),
        (Case("limite.fr", ends=(State.UNKNOWN,)), Case("quarantaine.fr", Scene.REDEMPTION, ends=(State.UNKNOWN,))),
        (Mischief("whois/fr", "throttle"), Mischief("rdap/fr", "500")),
    ),
    Scenario(
        "whois-throttled-then-dropped",
        ("cause 2", "drop: WHOIS only"),
        (drops("vantar-lite.nu", 12), Case("vantar-mer.nu", Scene.REDEMPTION, ends=(State.REDEMPTION,))),
        (Mischief("whois/nu", "says", count=3, words=Words("-1: Still in grace period, wait 2 seconds\n")),),
    ),
    Scenario(
        "whois-second-limit",
        ("cause 2", "peer: parsed after a second rate limit"),
        (Case("twice-limited.lv", ends=(State.UNKNOWN,)),),
        (
            says("whois/lv", "Too many requests, please try again in 60 seconds.\n{free}"),
            Mischief("whois/lv", "says", count=1, words=Words("Query rate limit exceeded, please wait 1 seconds.\n")),
        ),
    ),
    Scenario(
        "whois-limit-without-words-of-limit",
        ("cause 2", "peer: a limit text is an answer"),
        (Case("slow-down.ro", ends=(State.UNKNOWN,)),),
        (says("whois/ro", "rate limit exceeded\n"),),
    ),
    Scenario(
        "whois-empty", ("cause 14", "peer: an empty answer is available"),
        (Case("void-lab.be", ends=(State.UNKNOWN,)), Case("void-late.be", Scene.REDEMPTION, ends=(State.UNKNOWN,))),
        (Mischief("whois/be", "empty"),),
    ),
    Scenario(
        "whois-short-answers",
        ("cause 14", "peer: short output is available"),
        (
            Case("two-letters.it", ends=(State.UNKNOWN,)), Case("reset-text.it", ends=(State.UNKNOWN,)),
            Case("socket-text.it", ends=(State.UNKNOWN,)), Case("cut-off.it", ends=(State.UNKNOWN, *_OWNED)),
            Case("garbled.it", ends=(State.UNKNOWN,)), Case("line-end.it", ends=(State.UNKNOWN,)),
        ),
        (
            says("whois/it", "ok\n", "two-letters.it"),
            says("whois/it", "connection reset by peer\n", "reset-text.it"),
            says("whois/it", "Socket not responding: timed out\n", "socket-text.it"),
            says("whois/it", "\n", "line-end.it"),
            Mischief("whois/it", "truncate", ("cut-off.it",)),
            Mischief("whois/it", "garbage", ("garbled.it",)),
        ),
    ),
    Scenario(
        "whois-disclaimers",
        ("cause 13",),
        (
            Case("preamble.it", ends=_OWNED), Case("preamble-late.it", Scene.REDEMPTION, ends=(State.REDEMPTION,)),
            Case("only-terms.it", ends=(State.UNKNOWN,)),
        ),
        (
            says("whois/it", _DISCLAIMER + "{record}" + _DISCLAIMER, "preamble.it", "preamble-late.it"),
            says("whois/it", _DISCLAIMER, "only-terms.it"),
        ),
    ),
    Scenario(
        "whois-record-and-no-match",
        ("cause 13", "peer: redemption record, then No match", "peer: registered record with a not-found remark"),
        (
            Case("then-no-match.it", Scene.REDEMPTION, ends=(State.REDEMPTION,)),
            Case("not-found-remark.it", ends=_OWNED),
        ),
        (
            says("whois/it", '{record}\nNo match for "{NAME}".\n', "then-no-match.it"),
            says("whois/it", "{record}\nremarks:            not found\nNot found: contact LAB-7\n", "not-found-remark.it"),
        ),
    ),
    Scenario(
        "whois-not-available-for-registration",
        ("cause 4", 'peer: "not available for registration" is available'),
        (Case("kept-phrase.it", "never registered", ends=(State.RESERVED,)),),
        (says("whois/it", "This name is not available for registration.\n", "kept-phrase.it"),),
    ),
    Scenario(
        "whois-wrong-name", ("cause 13",), (Case("somebody.it", ends=(State.UNKNOWN,)),),
        (Mischief("whois/it", "wrong-name", ("somebody.it",)),),
    ),
    Scenario(
        "whois-date-label",
        ("cause 13", "peer: a creation date taken for the expiry"),
        (Case("old-and-paid.it", Scene.HEALTHY, ends=(State.REGISTERED,)),),
        (
            says(
                "whois/it",
                "Domain:             {name}\nStatus:             ok\nRegistered:         2004-05-06\n"
                "Expire Date:        2031-05-06\n\nRegistrar\n  Organization:     Lab Registrar One\n",
                "old-and-paid.it",
            ),
        ),
    ),
    Scenario(
        "whois-registrar-referral",
        ("cause 1", "peer: the registrar says not found"),
        (Case("thin-record.cc", Scene.REDEMPTION, ends=(State.REDEMPTION,)),),
        (Mischief("rdap/cc", "500", ("thin-record.cc",)), says("whois/cc", _THIN, "thin-record.cc")),
        unasked=(("whois/elsewhere", ""),),
    ),
    Scenario(
        "whois-referral-loop",
        ("cause 1", "peer: A refers to B refers to A"),
        (Case("in-circles.gr", ends=(State.UNKNOWN,)),),
        (
            says("whois/gr", f"refer: {net.ELSEWHERE_WHOIS}\nwhois: {net.ELSEWHERE_WHOIS}\nReferralServer: "
                 f"whois://{net.ELSEWHERE_WHOIS}\n"),
            says("whois/elsewhere", f"refer: {net.whois_address(53)}\nwhois: {net.whois_address(53)}\n", "in-circles.gr"),
        ),
        unasked=(("whois/elsewhere", "in-circles.gr"),),
        most={"whois/gr": 60},
    ),
    Scenario(
        "whois-endless",
        ("cause 13", "peer: no cap on the bytes read"),
        (Case("never-ends.lt", ends=(State.UNKNOWN,)),),
        (Mischief("whois/lt", "endless", words=Words("{free}")),),
    ),
    Scenario(
        "unknown-suffix",
        ("cause 1", "peer: an unknown suffix goes to a random server"),
        (
            Case("nobody-knows.gt", ends=(State.UNKNOWN,)), Case("in-its-zone.gt", Scene.HEALTHY, ends=(State.REGISTERED,)),
        ),
        unasked=(("rdap/", "nobody-knows.gt"), ("whois/elsewhere", "nobody-knows.gt")),
    ),
    Scenario(
        "whois-only-drop", ("drop: WHOIS only",),
        (drops("via-lunga.it", 8), drops("via-corta.it", 14, priority=True), drops("stilla-natt.se", 10)),
    ),
    Scenario(
        "whois-renewed", ("cause 3",),
        (Case("rinnovato.it", Scene.GRACE, 0, (Act(9, "renew"),), (State.REGISTERED, State.EXPIRED_GRACE)),),
    ),
)  # fmt: skip
