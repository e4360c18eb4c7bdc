"""The version of the rules: a short text, changed by every weight, cap and threshold, that a recorded verdict carries.

What differs per suffix or name (the prior, p_registrable) is part of the recorded situation and needs no version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from common.core.model import offers
from common.core.trust import server_trust
from common.core.verdict import definitive, gates, likelihoods, verdicts

#: Raised by hand when the way of deciding changes while no constant does.
EDITION = 6


@cache
def rules_version() -> str:
    """The version of the rules in force, for example "1-3f9c0a7e"."""
    modules = {module.__name__: constants_of(vars(module)) for module in (definitive, gates, likelihoods, offers, verdicts)}
    return version_of({**modules, "canary": server_trust.VERIFIED_FOR})


def constants_of(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The constants of a module, private tables too: names in capitals."""
    return {name: value for name, value in namespace.items() if name.isupper()}


def version_of(constants: Mapping[str, Any]) -> str:
    """Edition and digest of constants; equal for equal values, whatever the process and the order."""
    text = json.dumps(constants, sort_keys=True, default=sorted)  # sets are the one kind that JSON does not know
    return f"{EDITION}-{sha256(text.encode()).hexdigest()[:8]}"
