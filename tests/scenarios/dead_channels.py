"""Drops while one channel of the registry says nothing: no single dead channel may keep a drop from being told.

Each row has a suffix of its own. A channel is dead from the beginning, so that this can be learned before the drop, or falls
silent at the very moment of the drop. Names that were never seen registered are held to more: without the word of a channel
that would say "reserved" they are not announced as available.
"""

from __future__ import annotations

from common.core.model.states import State
from tests.lab.faults import Words
from tests.lab.story import Act, Scene
from tests.lab.truth import Truth
from tests.scenarios.plot import FREE, Case, Mischief, Scenario, drops

#: Seconds from free to told. Names with priority are polled every 2 s, a fifth more or less: three steps are 7.2 s, and as much
#: again is for a busy machine. A drop that waits for one unanswered question (15 s with RDAP, 20 s with WHOIS) is later.
KNOWN_DEAD = 15.0
#: A channel that falls silent at the drop may cost one such question of 20 s, and six passes 2 s apart.
FELL_SILENT = 40.0
#: When names drop, in seconds after the curtain. Silence is known only after 20 s of it; what is learned late may take long.
_LATE, _EARLY = 22.0, 6.0
#: What may be said of a name without an object as long as no channel speaks that would know of a reservation.
_WITHHELD = (State.UNREGISTERED, State.UNKNOWN)

_UNKNOWN_WORDS = Words("Thank you for your interest in our names.\n")
#: What is wrong with the channel, the fault, and its suffixes: dead all along, and from the drop on.
_WHOIS = (
    ("refuses", "refused", None, "fans", "love"),
    ("says something unknown", "says", _UNKNOWN_WORDS, "quest", "menu"),
    ("never answers", "silence", None, "yoga", "rent"),
    ("throttles for ever", "throttle", None, "surf", "tube"),
    ("is cut after 20 bytes", "cut", None, "rest", "work"),
)
_RDAP = (
    ("answers 503", "503", None, "host", "best"),
    ("answers 429", "429", None, "press", "casa"),
    ("answers 403 with HTML", "403-html", None, "space", "fashion"),
    ("never answers", "silence", None, "online", "beer"),
)


def _drop(label: str, at: float, within: float, *mischief: Mischief, about: str, scene: Scene = Scene.LAST_DAY) -> Scenario:
    """One drop in a suffix of its own; `about` says which channel is dead, and since when."""
    case = drops(f"dropped-name.{label}", at, priority=True, scene=scene, within=within)
    return Scenario(f"dead-{label}", (f"drop: {about}",), (case,), mischief)


def _unseen(label: str, about: str, *cases: Case, mischief: tuple[Mischief, ...] = ()) -> Scenario:
    """Names of one suffix that had no registration when they were first looked at."""
    return Scenario(f"never-registered-{label}", (f"never registered: {about}",), cases, mischief)


_NOTHING = _drop("buzz", _LATE, KNOWN_DEAD, about="nothing is dead")
_DEAD_ALL_ALONG = tuple(
    _drop(label, _LATE, KNOWN_DEAD, Mischief(f"{kind}/{label}", fault, words=words), about=f"{kind.upper()} {about}")
    for kind, rows in (("whois", _WHOIS), ("rdap", _RDAP))
    for about, fault, words, label, _ in rows
)
_DEAD_FROM_THE_DROP = tuple(
    _drop(
        label,
        _EARLY,
        FELL_SILENT,
        Mischief(f"{kind}/{label}", fault, at=_EARLY, words=words),
        about=f"{kind.upper()} {about} from then on",
    )
    for kind, rows in (("whois", _WHOIS), ("rdap", _RDAP))
    for about, fault, words, _, label in rows
)
_FURTHER = (
    _drop("bond", _LATE, KNOWN_DEAD, about="only the built-in WHOIS, gone"),
    _drop("website", _LATE, KNOWN_DEAD, Mischief("dns/website", "servfail"), about="DNS fails"),
    _drop("study", _EARLY + 3, FELL_SILENT, Mischief("rdap/study", "silence", at=_EARLY), about="RDAP fell silent just before"),
    Scenario(
        "whois-only-without-warning",
        ("drop: WHOIS only, no deletion seen",),
        (
            drops("gone-at-once.kiwi", _EARLY, priority=True, scene=Scene.HEALTHY, within=FELL_SILENT),
            drops("gone-as-well.kiwi", _EARLY, scene=Scene.HEALTHY),
        ),
    ),
)
_NEVER_REGISTERED = (
    _unseen(
        "net",
        "WHOIS is shut",
        Case("really-free.net", FREE, ends=_WITHHELD, priority=True),
        Case("really-kept.net", Scene.RESERVED, ends=_WITHHELD, priority=True),
        mischief=(Mischief("whois/net", "refused"),),
    ),
    _unseen(
        "help",
        "WHOIS is shut",
        Case("really-free.help", FREE, ends=_WITHHELD, priority=True),
        Case("really-kept.help", Scene.RESERVED, ends=_WITHHELD, priority=True),
        mischief=(Mischief("whois/help", "refused"),),
    ),
    _unseen(
        "click",
        "WHOIS says something unknown",
        Case("really-free.click", FREE, ends=_WITHHELD, priority=True),
        Case("really-kept.click", Scene.RESERVED, ends=_WITHHELD, priority=True),
        mischief=(Mischief("whois/click", "says", words=_UNKNOWN_WORDS),),
    ),
    _unseen(
        "party",
        "WHOIS opens again",
        Case("really-kept.party", Scene.RESERVED, ends=(State.RESERVED,), priority=True),
        mischief=(Mischief("whois/party", "reset", until=_EARLY),),
    ),
    _unseen("link", "every channel speaks", Case("really-free.link", FREE, 1, ends=(State.AVAILABLE,), priority=True)),
)
_RELEASED = (
    Scenario(
        "auction-without-a-bid",
        ("drop: after an auction that WHOIS shows",),
        (
            Case(
                "oksjonil.ee",
                Scene.LAST_DAY,
                1,
                (Act(_EARLY, "purge", {"then": Truth.DROPZONE}), Act(_EARLY + 9, "release")),
                (State.AVAILABLE,),
                (State.DROPPING,),
                priority=True,
                within=KNOWN_DEAD,
            ),
            drops("kohe-vaba.ee", _EARLY + 4, priority=True, within=KNOWN_DEAD),
        ),
    ),
    Scenario(
        "release-process-that-ends",
        ("drop: after a release process that WHOIS shows",),
        (
            Case(
                "liberado.br",
                Scene.LAST_DAY,
                1,
                (Act(_EARLY + 1, "purge", {"then": Truth.DROPZONE}), Act(_EARLY + 10, "release")),
                (State.AVAILABLE,),
                (State.DROPPING,),
                priority=True,
                within=KNOWN_DEAD,
            ),
        ),
    ),
)

SCENARIOS = (_NOTHING, *_DEAD_ALL_ALONG, *_DEAD_FROM_THE_DROP, *_FURTHER, *_NEVER_REGISTERED, *_RELEASED)
