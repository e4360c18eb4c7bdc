"""The methods by which a name is queried: their pools of workers, their time budgets, and which read the registry itself."""

from __future__ import annotations

#: The pools of checkers.
POOLS = ("fast", "intermediate", "deep")
#: The pool that a method belongs to.
POOL_OF = {"dns": "fast", "http": "fast", "rdap": "intermediate", "whois": "deep"}


#: Most seconds that one query of a method may take.
BUDGET = {"dns": 5.0, "http": 10.0, "rdap": 15.0, "whois": 20.0}


#: Methods that read the registry database itself; one of them must deny a name before any alarm.
REGISTRY_METHODS = ("rdap", "whois", "das")


def is_registry(method: str) -> bool:
    """Whether a method queries the registry itself, or a registrar that does."""
    return method in REGISTRY_METHODS or method.startswith("registrar:")
