"""Hosts on which registered names are offered for sale: a redirect there means registered, and offered by its registrant."""

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
