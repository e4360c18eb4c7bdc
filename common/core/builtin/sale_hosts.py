"""Hosts on which names stand for sale: a redirect there means registered, and offered by its holder."""

from __future__ import annotations

SALE_HOSTS = frozenset(
    {
        "afternic.com",
        "atom.com",
        "brandbucket.com",
        "dan.com",
        "domainmarket.com",
        "efty.com",
        "hugedomains.com",
        "sedo.com",
        "sedoparking.com",
        "squadhelp.com",
        "undeveloped.com",
    }
)
