"""DNS that fails, lies, answers for everything or is forged; outages; a receiver that is down when it matters."""

from __future__ import annotations

from common.core.model.states import State
from tests.lab.story import Act, Scene
from tests.scenarios.plot import FREE, Case, Mischief, Scenario, drops

_MUTE = ("served-badly.fun", "sent-upward.fun", "other-zone.fun", "hollow.fun")

SCENARIOS = (
    Scenario(
        "dns-says-nothing",
        ("cause 11",),
        tuple(Case(name, Scene.HEALTHY, ends=(State.UNKNOWN,)) for name in _MUTE),
        (
            Mischief("rdap/fun", "404-html"),
            *(
                Mischief("dns/fun", fault, (name,))
                for name, fault in zip(_MUTE, ("servfail", "upward-referral", "wrong-zone", "empty"), strict=True)
            ),
        ),
    ),
    Scenario(
        "dns-refuses",
        ("cause 11",),
        (Case("refused-lab.art", Scene.HEALTHY, ends=(State.UNKNOWN,)),),
        (Mischief("dns/art", "refused"), Mischief("rdap/art", "500")),
    ),
    Scenario(
        "dns-is-silent",
        ("cause 11",),
        (Case("silent-lab.ink", Scene.HEALTHY, ends=(State.UNKNOWN,)),),
        (Mischief("dns/ink", "silence"), Mischief("rdap/ink", "500")),
    ),
    Scenario(
        "outage-with-a-drop-in-it",
        ("cause 11", "peer: errors become taken", "drop: during an outage"),
        (
            drops("dropped-in-the-dark.top", 8),
            Case("kept-in-the-dark.top", ends=(State.UNDELEGATED,)),
            Case("live-in-the-dark.top", Scene.HEALTHY, ends=(State.REGISTERED,)),
        ),
        tuple(
            Mischief(server, fault, at=4, until=15)
            for server, fault in (("dns/top", "servfail"), ("rdap/top", "500"), ("whois/top", "reset"))
        ),
    ),
    Scenario(
        "wildcard-known",
        ("cause 12", "drop: wildcard suffix"),
        (
            Case("wild-and-held.ws", ends=(State.REGISTERED, State.UNDELEGATED)),
            Case("wild-and-late.ws", Scene.REDEMPTION),
            drops("wild-and-free.ws", 9, priority=True),
        ),
    ),
    Scenario(
        "wildcard-found-at-run-time",
        ("cause 12", "drop: wildcard suffix"),
        (Case("any-label.site", ends=(State.REGISTERED, State.UNDELEGATED)), drops("was-a-label.site", 10)),
    ),
    Scenario(
        "suffix-gone-from-the-root",
        ("cause 20",),
        (
            Case("left-behind.cloud", Scene.LAST_DAY, 0, (Act(7, "purge"),)),
            Case("never-there.cloud", FREE),
            Case("still-listed.cloud", ends=(State.REGISTERED, State.UNDELEGATED)),
        ),
    ),
    Scenario(
        "dns-forged",
        ("cause 21", "drop: RDAP only"),
        (
            Case("raced.ch", Scene.HEALTHY, ends=(State.REGISTERED,)),
            Case("raced-and-held.ch", ends=(State.UNDELEGATED,)),
            Case("on-the-path.ch", Scene.HEALTHY, ends=(State.REGISTERED, State.UNDELEGATED)),
            drops("raced-and-dropped.ch", 9),
        ),
        (Mischief("dns/ch", "forged"), Mischief("dns/ch", "lying-404", ("on-the-path.ch",))),
    ),
    Scenario(
        "dns-answers-for-others",
        ("cause 21",),
        (
            Case("wrong-id.com", Scene.HEALTHY, ends=(State.REGISTERED, State.UNKNOWN)),
            Case("wrong-question.com", Scene.HEALTHY, ends=(State.REGISTERED, State.UNKNOWN)),
            Case("wrong-id-held.com", ends=(State.UNDELEGATED,)),
        ),
        (
            Mischief("dns/com", "wrong-id", ("wrong-id.com", "wrong-id-held.com")),
            Mischief("dns/com", "wrong-name", ("wrong-question.com",)),
        ),
    ),
    Scenario(
        "receiver-down-at-the-alarm",
        ("peer: a notification lost", "drop: RDAP and WHOIS"),
        tuple(
            drops(name, at, priority=True) for name, at in (("told-late.org", 7), ("told-later.org", 8), ("told-last.org", 9))
        ),
        (
            Mischief("callback", "503", ("told-late.org",), at=6, count=2, delay=1),
            Mischief("callback", "drop", ("told-later.org",), at=6, count=2),
            Mischief("callback", "reset", ("told-last.org",), at=6, count=3),
        ),
    ),
)
