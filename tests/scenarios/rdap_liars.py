"""RDAP servers whose "not found" says nothing about a registration, and answers that are no RDAP at all."""

from __future__ import annotations

from common.core.model.states import State
from tests.lab.faults import Words
from tests.lab.story import Act, Scene
from tests.scenarios.plot import FRESH, Case, Mischief, Scenario, answers, drops, rdap_record

_OWNED = (State.REGISTERED, State.UNDELEGATED)
_ERROR_400 = '{"errorCode":400,"title":"Bad Request","rdapConformance":["rdap_level_0"]}'
_PAST, _FUTURE = "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 2099 23:59:59 GMT"
_JSON = "application/rdap+json"
_ODD_404 = {
    "registrar-style.ing": ("application/json", '{"error":"not found","domain":"{name}"}'),
    "plain-text.ing": ("text/plain", "404 page not found\n"),
    "foreign-zone.ing": (_JSON, '{"errorCode":404,"title":"Not Found","description":["This server does not serve that TLD"]}'),
    "list-for-object.ing": (_JSON, '["not found"]'),
    "two-codes.ing": (_JSON, '{"errorCode":404,"errorCode":503,"title":"Not Found","rdapConformance":["rdap_level_0"]}'),
}
_BROKEN = (
    "garbage", "truncate", "empty", "oversize", "gzip-bomb", "deep-json", "redirect-loop", "redirect-metadata", "500",
    "drip", "wrong-name",
)  # fmt: skip

SCENARIOS = (
    Scenario(
        "rdap-404s-everything",
        ("cause 1", "peer: a single 404 is a verdict"),
        (
            Case("held-away.app", ends=(State.UNKNOWN,)),
            Case("in-the-zone.app", Scene.HEALTHY, ends=(State.REGISTERED,)),
            Case("no-servers.app", Scene.INACTIVE, ends=(State.UNKNOWN,)),
        ),
        (Mischief("rdap/app", "lying-404"),),
    ),
    Scenario(
        "rdap-aggregator-html-404",
        ("cause 1", "cause 15"),
        (Case("gaming-lab.page", ends=(State.UNKNOWN,)), Case("leagues.page", Scene.REDEMPTION, ends=(State.UNKNOWN,))),
        (Mischief("rdap/page", "404-html"),),
    ),
    Scenario(
        "rdap-of-another-operator",
        ("cause 1", "peer: a suffix sent to a foreign server"),
        (Case("corner-store.shop", ends=(State.UNKNOWN,)), Case("window.shop", Scene.HEALTHY, ends=(State.REGISTERED,))),
    ),
    Scenario(
        "rdap-stale-bootstrap",
        ("cause 16", "peer: retired hosts"),
        (
            Case("moved-away.biz", ends=(State.UNDELEGATED,)),
            Case("last-days.biz", Scene.LAST_DAY, ends=(State.PENDING_DELETE,)),
            Case("steady.biz", Scene.HEALTHY, ends=(State.REGISTERED,)),
        ),
        (Mischief("rdap/biz", "lying-404", at=6),),
    ),
    Scenario(
        "rdap-quarantined-404",
        ("cause 1", "peer: a 404 of a server that lied a moment ago"),
        (Case("doubted.lol"), Case("doubted-too.lol", Scene.REDEMPTION)),
        (Mischief("rdap/lol", "lying-404", until=5),),
    ),
    Scenario(
        "everybody-denies-everything",
        ("cause 1", "cause 16", "cause 21"),
        (
            Case("still-there.ooo", Scene.HEALTHY, ends=(State.REGISTERED,)),
            Case("still-held.ooo", ends=(State.UNDELEGATED,)),
            Case("still-doomed.ooo", Scene.LAST_DAY, ends=(State.PENDING_DELETE,), priority=True),
        ),
        tuple(Mischief(server, "lying-404", at=5) for server in ("dns/ooo", "rdap/ooo", "whois/ooo")),
    ),
    Scenario(
        "rdap-captive-portal",
        ("cause 15",),
        (Case("hotel-network.xyz", ends=(State.UNKNOWN,)), Case("lobby.xyz", Scene.HEALTHY, ends=(State.REGISTERED,))),
        (Mischief("rdap/xyz", "200-html"),),
    ),
    Scenario(
        "rdap-404-that-is-no-rdap",
        ("cause 1", "cause 15", "peer: any 404 is available"),
        tuple(Case(name, ends=(State.UNKNOWN,)) for name in _ODD_404),
        tuple(answers("rdap/ing", 404, text, name, headers={"Content-Type": kind}) for name, (kind, text) in _ODD_404.items()),
    ),
    Scenario(
        "rdap-garbage",
        ("cause 15", "peer: errors as answers"),
        tuple(Case(f"{fault}-answer.ing", ends=(State.UNKNOWN,)) for fault in _BROKEN),
        tuple(Mischief("rdap/ing", fault, (f"{fault}-answer.ing",)) for fault in _BROKEN),
    ),
    Scenario(
        "rdap-reset",
        ("cause 15", "peer: errors as answers"),
        (Case("cut-off.bio", ends=(State.UNKNOWN,)),),
        (Mischief("rdap/bio", "reset"),),  # with a suffix of its own: after it no server there is queried for a while
    ),
    Scenario(
        "rdap-limit-as-404", ("cause 2", "peer: limits that are not 429"), (Case("limit-in-a-404.wow", ends=(State.UNKNOWN,)),),
        (answers("rdap/wow", 404, '{"errorCode":404,"title":"Rate limit exceeded","description":["Too many queries"]}'),),
    ),
    Scenario(
        "rdap-403-html", ("cause 15", "peer: limits that are not 429"), (Case("shut-out.tech", ends=(State.UNKNOWN,)),),
        (Mischief("rdap/tech", "403-html"),),
    ),
    Scenario(
        "rdap-429", ("cause 2", "peer: errors as answers"), (Case("too-fast.store", ends=(State.UNKNOWN,)),),
        (Mischief("rdap/store", "429"),),
    ),
    Scenario(
        "rdap-400",
        ("cause 10", "peer: HTTP 400 as available"),
        (Case("bad-request.wiki", ends=(State.UNKNOWN,)),),
        (answers("rdap/wiki", 400, _ERROR_400),),
    ),
    Scenario(
        "rdap-400-from-a-proven-server",
        ("cause 10", "peer: HTTP 400 as available"),
        (Case("refused-label.org", "never registered", ends=(State.NOT_REGISTRABLE,)),),
        (answers("rdap/org", 400, _ERROR_400, "refused-label.org"),),
    ),
    Scenario(
        "rdap-registers-everything",
        ("cause 1", "peer: a server that finds everything"),
        (Case("found-always.blog", ends=(State.REGISTERED, State.UNDELEGATED)),),
        (answers("rdap/blog", 200, rdap_record(["active"], registration="2020-01-01T00:00:00Z")),),
    ),
    Scenario(
        "rdap-404-against-whois",
        ("cause 1", "peer: no agreement of sources"),
        (Case("two-minds.org", ends=_OWNED), Case("two-minds-late.org", Scene.REDEMPTION, ends=(State.REDEMPTION,))),
        (Mischief("rdap/org", "lying-404", ("two-minds.org", "two-minds-late.org")),),
    ),
    Scenario(
        "flapping",
        ("cause 1", "peer: a single 404, then 200"),
        (
            Case("flapping.org", ends=(State.UNDELEGATED,), ordered=(6, 13, 20)),  # else its registry is asked once a day
            Case("flapping-late.org", Scene.LAST_DAY, ends=(State.PENDING_DELETE,), priority=True),
        ),
        tuple(
            Mischief(server, "lying-404", (name,), at=at, count=1)
            for name in ("flapping.org", "flapping-late.org")
            for server in ("rdap/org", "whois/org")
            for at in (5, 12, 19)
        ),
    ),
    Scenario(
        "lag-after-registration",
        ("cause 18",),
        (Case("newly-made.org", FRESH, ends=(State.REGISTERED,)),),
        (Mischief("rdap/org", "lying-404", ("newly-made.org",)), Mischief("whois/org", "lying-404", ("newly-made.org",))),
    ),
    Scenario(
        "lag-after-catch",
        ("cause 18", "drop: caught"),
        (
            Case(
                "caught-unseen.org", Scene.LAST_DAY, 1, (Act(4, "purge"), Act(13, "catch")), (State.REGISTERED,),
                (State.AVAILABLE,), priority=True,
            ),
            Case(
                "caught-undelegated.org", Scene.LAST_DAY, 1, (Act(5, "purge"), Act(13, "catch")), _OWNED,
                (State.AVAILABLE,), priority=True,
            ),
        ),
        (
            Mischief("rdap/org", "lying-404", ("caught-unseen.org",), at=13, until=24),
            Mischief("whois/org", "lying-404", ("caught-unseen.org",), at=13, until=24),
            Mischief("dns/org", "lying-404", ("caught-undelegated.org",), at=13),
        ),
    ),
    Scenario(
        "retry-after-in-the-past",
        ("cause 19", "drop: RDAP only"),
        (drops("clock-behind.club", 12),),
        (Mischief("rdap/club", "says", at=3, until=9, words=Words("", 429, {"Retry-After": _PAST})),),
    ),
    Scenario(
        "retry-after-in-the-far-future", ("cause 19",), (Case("clock-ahead.vip", ends=(State.UNKNOWN,)),),
        (answers("rdap/vip", 429, "", headers={"Retry-After": _FUTURE}),),
    ),
    Scenario(
        "absurd-dates",
        ("cause 19", "peer: dates of every kind"),
        (
            Case("year-9999.org", ends=(State.UNDELEGATED,), ordered=(8,)),
            Case("year-1.org", ends=(State.UNDELEGATED, State.EXPIRED_GRACE), ordered=(8,)),
            Case("epoch-zero.org", Scene.LAST_DAY, 1, (Act(9, "purge"),), (State.AVAILABLE,)),
        ),
        (
            answers(
                "rdap/org", 200,
                rdap_record(["client hold"], registration="2999-01-01T00:00:00Z", expiration="9999-12-31T23:59:59Z"),
                "year-9999.org",
            ),
            answers(
                "rdap/org", 200,
                rdap_record(["client hold"], registration="0001-01-01T00:00:00Z", expiration="0001-01-01T00:00:00Z"),
                "year-1.org",
            ),
            Mischief(
                "rdap/org", "says", ("epoch-zero.org",), until=9,
                words=Words(rdap_record(["pending delete"], expiration="1970-01-01T00:00:00Z")),
            ),
        ),
    ),
)  # fmt: skip
