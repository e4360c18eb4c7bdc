"""Names without an object that cannot be registered, and names with one that the zone does not show."""

from __future__ import annotations

from common.core.model.states import State
from tests.lab.story import Act, Scene
from tests.lab.truth import Truth
from tests.scenarios.plot import FREE, Case, Scenario, says, withheld

SCENARIOS = (
    Scenario(
        "registered-but-not-in-the-zone",
        ("cause 3",),
        (
            Case("on-hold.com", ends=(State.UNDELEGATED,)),
            Case("held-later.com", Scene.HEALTHY, 0, (Act(7, "hold"),), (State.UNDELEGATED,), (State.REGISTERED,)),
            Case("without-servers.com", Scene.INACTIVE, ends=(State.UNDELEGATED,)),
            Case("redeemable.com", Scene.REDEMPTION, ends=(State.REDEMPTION,)),
            Case("doomed.com", Scene.LAST_DAY, ends=(State.PENDING_DELETE,)),
            Case("grace.com", Scene.GRACE, ends=(State.EXPIRED_GRACE,)),
            Case("held-third-level.co.uk", ends=(State.REGISTERED, State.UNDELEGATED)),
            Case("ausgetragen.de", Scene.REDEMPTION, ends=(State.REDEMPTION,)),
            Case("im-zonenfile.de", Scene.INLINE, ends=(State.REGISTERED,)),
        ),
    ),
    Scenario(
        "saved-in-time",
        ("cause 3",),
        (
            Case(
                "restored.com",
                Scene.REDEMPTION,
                0,
                (Act(6, "pending_restore"), Act(12, "restore")),
                (State.REGISTERED,),
                ordered=(8, 14),
            ),
            Case("last-minute.com", Scene.LAST_DAY, 0, (Act(9, "restore"),), (State.REGISTERED,), (State.PENDING_DELETE,)),
            Case("deleted-today.com", Scene.HEALTHY, 0, (Act(8, "delete"),), (State.REDEMPTION,), (State.REGISTERED,)),
        ),
    ),
    Scenario(
        "reserved",
        ("cause 4",),
        (
            Case("registry-word.org", Scene.RESERVED, ends=(State.RESERVED,)),
            Case("whois-knows.io", Scene.RESERVED, ends=(State.RESERVED,)),
            Case("nobody-tells.dev", Scene.RESERVED, ends=(State.UNREGISTERED,)),
            withheld("kept-at-purge.org", 8, Truth.RESERVED, State.RESERVED),
        ),
    ),
    Scenario(
        "blocked-by-a-brand-service",
        ("cause 5",),
        (
            Case("famous-brand.io", Scene.BLOCKED, ends=(State.RESERVED,)),
            Case("famous-brand.dev", Scene.BLOCKED, ends=(State.RESERVED,)),
            Case("block-in-whois.me", FREE, ends=(State.RESERVED,)),
            Case("dpml-label.me", FREE, ends=(State.RESERVED,)),
        ),
        (
            says("whois/me", "The domain name {name} has been blocked by a GlobalBlock service.\n", "block-in-whois.me"),
            says("whois/me", "This name is subject to a DPML block.\n", "dpml-label.me"),
        ),
    ),
    Scenario(
        "release-procedures",
        ("cause 6",),
        (
            Case("in-the-dropzone.io", Scene.LAST_DAY, 0, (Act(7, "purge"),), (State.DROPPING,)),
            Case("silent-dropzone.me", Scene.LAST_DAY, 0, (Act(7, "purge"),), (State.DROPPING,)),
            Case("do-aukce.cz", Scene.LAST_DAY, 0, (Act(9, "purge"),), (State.DROPPING,)),
            Case("to-be-released.ca", Scene.LAST_DAY, 0, (Act(11, "purge"),), (State.DROPPING,), ordered=(13, 18)),
            withheld("liberacao.br", 8, Truth.DROPZONE, State.DROPPING),
            Case("venteliste.dk", Scene.LAST_DAY, 0, (Act(10, "purge"),)),
        ),
    ),
    Scenario(
        "premium",
        ("cause 7",),
        (
            Case("golden-word.io", Scene.PREMIUM, ends=(State.AVAILABLE_PREMIUM,)),
            Case("golden-word.dev", Scene.PREMIUM, ends=(State.UNREGISTERED,)),
            withheld("gold.dev", 8, Truth.PREMIUM, State.UNREGISTERED),
        ),
    ),
    Scenario(
        "variant-of-another-name",
        ("cause 17",),
        (Case("montreal-cafe.ca", FREE, ends=(State.RESERVED,)), Case("cafe-bresil.br", FREE, ends=(State.RESERVED,))),
        (
            says(
                "whois/ca",
                "Domain name: {name}\nDomain status: unavailable\n\n% Error 01114: the requested domain conflicts\n"
                "% with at least one other registered domain\n",
                "montreal-cafe.ca",
            ),
            says("whois/br", "% {name}: reserved: equivalent to another name\nstatus: reserved\n", "cafe-bresil.br"),
        ),
    ),
)
