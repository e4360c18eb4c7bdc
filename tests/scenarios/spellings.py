"""What stands in a list: names in other scripts, suffixes, hosts, things that are no names, one name in several spellings.

And what a registrar's interface would say, judged from recordings: no method of the product asks one.
"""

from __future__ import annotations

from common.core.model.states import State
from tests.lab.story import Scene
from tests.scenarios.plot import FREE, Case, Scenario, drops

_LONG = "a" * 64

SCENARIOS = (
    Scenario(
        "idn-is-not-what-it-was-in-2003",
        ("cause 8",),
        (Case("xn--strae-am-ufer-edb.de", Scene.HEALTHY, ends=(State.REGISTERED,), listed=("straße-am-ufer.de",)),),
        unasked=(("", "strasse-am-ufer.de"),),
    ),
    Scenario(
        "idn-not-taken-by-the-registry",
        ("cause 8",),
        refused={"bücher-lab.uk": "idn_not_allowed", "xn--mnchen-lab-9db.us": "idn_not_allowed"},
    ),
    Scenario(
        "idn-of-mixed-scripts",
        ("cause 8",),
        (Case("xn--bnk-of-lab-zqi.com", FREE, ends=(State.UNREGISTERED,), listed=("b\u0430nk-of-lab.com",)),),
    ),
    Scenario(
        "no-registrable-name",
        ("cause 9",),
        refused={
            "co.uk": "public_suffix",
            "com": "public_suffix",
            "www.open-shop.com": "subdomain",
            "project.github.io": "subdomain",
            "home.duckdns.org": "subdomain",
            "shop.brick-lane.co.uk": "subdomain",
            "office.gov.uk": "restricted",
            "example.notasuffix": "unknown_suffix",
        },
    ),
    Scenario(
        "invalid-labels",
        ("cause 10",),
        refused={
            "under_score.com": "bad_character",
            "-leading.com": "bad_label",
            "trailing-.com": "bad_label",
            "ab--cd.com": "bad_label",
            f"{_LONG}.com": "bad_label",
            "double..dot.com": "bad_label",
            "a.eu": "label_too_short",
            "192.0.2.7": "ip_address",
            "https://example.com/": "bad_character",
            "xn--0.com": "not_idna",
        },
    ),
    Scenario(
        "one-name-in-three-spellings",
        ("cause 23", "drop: straight after redemption"),
        (
            drops(
                "xn--bcher-regal-thb.de",
                9,
                priority=True,
                listed=("bücher-regal.de", "xn--bcher-regal-thb.de", "BÜCHER-REGAL.DE."),
            ),
        ),
    ),
    Scenario(
        "registrar-answers-recorded",
        ("cause 22", "judged: no method asks yet"),
        recorded=(
            {
                "domain": "cached-answer.com",
                "method": "registrar:godaddy",
                "answer": {
                    "status": 200,
                    "headers": {"content-type": "application/json"},
                    "body": '{"available":true,"definitive":false,"domain":"cached-answer.com","price":11990000}',
                },
            },
            {
                "domain": "not-sold-here.de",
                "method": "registrar:godaddy",
                "answer": {
                    "status": 422,
                    "headers": {"content-type": "application/json"},
                    "body": '{"code":"UNSUPPORTED_TLD","message":"The specified TLD is not supported"}',
                },
            },
        ),
    ),
)
