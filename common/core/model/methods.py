"""The methods by which a name is queried: their pools of workers, their time budgets, and which read the registry itself.

Registrars' availability APIs are one method each, "registrar:<vendor>": they ask the registry for the user, at a price.
"""

from __future__ import annotations

#: The pools of checkers.
POOLS = ("fast", "intermediate", "deep")
#: What the name of a registrar's method begins with.
REGISTRAR = "registrar:"
#: The pool that a method belongs to; registrars' APIs belong to `REGISTRAR_POOL`.
POOL_OF = {
    "dns": "fast",
    "http": "fast",
    "rdap": "intermediate",
    "das": "intermediate",
    "epp": "intermediate",
    "whois": "deep",
}
REGISTRAR_POOL = "intermediate"

#: Most seconds that one query of a method may take, and one of a registrar's API.
BUDGET = {"dns": 5.0, "http": 10.0, "rdap": 15.0, "das": 10.0, "epp": 15.0, "whois": 20.0}
REGISTRAR_BUDGET = 20.0

#: Methods that read the registry database itself; one of them, or a registrar, must deny a name before any alarm.
REGISTRY_METHODS = ("rdap", "whois", "das", "epp")
#: What evidence from a publication of the registry (a list, no answer to a query) is kept under; nothing is asked by it.
LIST = "list"
#: What the last certificate that was seen for a name is kept under, beside what its registry publishes; it proves no state.
CERTIFICATE = "certificate"
#: Those that show a record with dates and statuses, not only whether there is one.
RECORD_METHODS = ("rdap", "whois")


def pool_of(method: str) -> str:
    """The pool of workers that a method belongs to. Raises KeyError for a method that does not exist."""
    return REGISTRAR_POOL if is_registrar(method) else POOL_OF[method]


def budget_of(method: str) -> float:
    """Most seconds that one query of a method may take. Raises KeyError for a method that does not exist."""
    return REGISTRAR_BUDGET if is_registrar(method) else BUDGET[method]


def is_registrar(method: str) -> bool:
    """Whether a method queries the API of a registrar or reseller."""
    return method.startswith(REGISTRAR)


def is_registry(method: str) -> bool:
    """Whether a method queries the registry itself, or a registrar that does."""
    return method in REGISTRY_METHODS or is_registrar(method)


def is_definitive(method: str) -> bool:
    """Whether a method can say that a name can be created now, and not only that there is no object."""
    return method == "epp" or is_registrar(method)
