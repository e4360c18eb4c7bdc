"""The methods by which a name is asked about: which pool does it, within which time, and which ask the registry itself."""

from __future__ import annotations

#: The pools of checkers.
POOLS = ("fast", "intermediate", "deep")
#: The pool of checkers that a method belongs to.
POOL_OF = {"dns": "fast", "http": "fast", "rdap": "intermediate", "whois": "deep"}


#: Relative time budgets per method in seconds.
BUDGET = {"dns": 5.0, "http": 10.0, "rdap": 15.0, "whois": 20.0}


#: Channels that read the registry database itself; one of them must be positive before any alarm.
REGISTRY_METHODS = ("rdap", "whois", "das")


def is_registry(method: str) -> bool:
    """Whether a method asks the registry itself, or a registrar that asks it."""
    return method in REGISTRY_METHODS or method.startswith("registrar:")
