"""WHOIS free lines with something beside them: a reason in any language, a limit, another name; and free lines in odd words."""

from __future__ import annotations

from common.core.model.states import State
from tests.lab.faults import Words
from tests.lab.story import Act, Scene
from tests.scenarios.plot import Case, Mischief, Scenario, drops

#: When the names here are purged, in seconds after the curtain.
_AT = 8.0
_HELD_BACK = (State.RESERVED, State.NOT_REGISTRABLE, State.INVALID)
_UNDECIDED = (State.PENDING_DELETE, State.UNKNOWN)
_STAMP = "\n>>> Last update of WHOIS database: 2026-03-01T10:00:00Z <<<\n"


def _purged(name: str, *ends: State) -> Case:
    """A name that its registry deletes, and that cannot be had all the same."""
    return Case(name, Scene.LAST_DAY, 0, (Act(_AT, "purge"),), ends)


def _then_says(server: str, name: str, text: str) -> Mischief:
    """From the purge on, the server says `text` about this name."""
    return Mischief(server, "says", (name,), at=_AT, words=Words(text))


SCENARIOS = (
    Scenario(
        "whois-free-line-with-a-note",
        ("cause 4", 'peer: "No Object Found" with a note is available'),
        (
            _purged("naadir.so", *_HELD_BACK), _purged("bogcad.so", *_HELD_BACK), _purged("dhisme.so", *_UNDECIDED),
            drops("furan.so", _AT),
        ),
        (
            _then_says("whois/so", "naadir.so", "Domain Name: {name}\nDomain Status: No Object Found\n"
                       "Notes: This name is invalid and can not be registered\n" + _STAMP),
            _then_says("whois/so", "bogcad.so", "Domain Name: {name}\nDomain Status: No Object Found\n"
                       "Reason: Reserved\n" + _STAMP),
            _then_says("whois/so", "dhisme.so", "Domain Name: {name}\nDomain Status: No Object Found\n"
                       "Remarks: to be decided by the ministry\n" + _STAMP),
        ),
    ),
    Scenario(
        "whois-free-line-with-a-foreign-word",
        ("cause 4",),
        (_purged("maison.gp", *_UNDECIDED), _purged("rue.gp", *_UNDECIDED), _purged("jardin.gp", *_UNDECIDED)),
        (
            _then_says("whois/gp", "maison.gp", "Ce nom de domaine est réservé\n{free}"),
            _then_says("whois/gp", "rue.gp", "Domain not found.\n\nMotif : décision de justice\n" + _STAMP),
            _then_says("whois/gp", "jardin.gp", "Domain not found.\nStatus: sunrise hold\n" + _STAMP),
        ),
    ),
    Scenario(
        "whois-limit-in-other-words",
        ("cause 2",),
        (_purged("coral.ms", *_UNDECIDED),),
        (_then_says("whois/ms", "coral.ms", "The  lookup  frequency is too  high, please ask later\n{free}"),),
    ),
    Scenario(
        "whois-free-line-of-another-name",
        ("cause 13",),
        (_purged("palolo.fm", *_UNDECIDED),),
        (_then_says("whois/fm", "palolo.fm", 'No match for "SIVA.FM".\n\nDomain not found.\n'),),
    ),
    Scenario(
        "whois-free-line-in-odd-words",
        ("drop: WHOIS only",),
        (drops("maeva.pf", _AT), drops("tiare.pf", _AT), drops("manava.pf", _AT)),
        (
            _then_says("whois/pf", "maeva.pf", "Domain available\n"),
            _then_says("whois/pf", "tiare.pf", "%% The requested domain doesn\u2019t exist in the Registry\u2019s database\n"),
            _then_says("whois/pf", "manava.pf", ">> No data found for domain : {name}\n\n"
                       "TERMS OF USE: names may be reserved or blocked, and are not available without consent.\n"),
        ),
    ),
)  # fmt: skip
