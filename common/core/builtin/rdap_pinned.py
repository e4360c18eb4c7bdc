"""RDAP servers that registries run without listing them in IANA's bootstrap file (RFC 9224). Suffix -> base URL.

They may move without notice, so nothing they say counts before their canaries are green.
"""

from __future__ import annotations

_IDENTITY_DIGITAL = "https://rdap.identitydigital.services/rdap/"

PINNED = {
    "ac": _IDENTITY_DIGITAL,
    "ag": _IDENTITY_DIGITAL,
    "bh": "https://rdap.centralnic.com/bh/",
    "bz": _IDENTITY_DIGITAL,
    "ch": "https://rdap.nic.ch/",
    "co": "https://rdap.registry.co/co/",
    "de": "https://rdap.denic.de/",
    "gl": "https://rdap.centralnic.com/gl/",
    "io": _IDENTITY_DIGITAL,
    "lc": _IDENTITY_DIGITAL,
    "li": "https://rdap.nic.li/",
    "me": _IDENTITY_DIGITAL,
    "mn": _IDENTITY_DIGITAL,
    "mx": "https://rdap.mx/",
    "my": "https://rdap.mynic.my/rdap/",
    "pr": _IDENTITY_DIGITAL,
    "sc": _IDENTITY_DIGITAL,
    "sh": _IDENTITY_DIGITAL,
    "us": "https://rdap.nic.us/",
    "vc": _IDENTITY_DIGITAL,
}
