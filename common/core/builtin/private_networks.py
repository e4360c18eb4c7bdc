"""Networks to which no request may be sent: IANA's special-purpose registries (RFC 6890) and cloud metadata services.

`ipaddress.is_global` is not used to decide: it calls several of these public, and changes between Python versions.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

DENIED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # "this network", RFC 791
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # shared by carriers, RFC 6598; 100.100.100.200 is a metadata service
        "127.0.0.0/8",  # loopback, RFC 1122
        "168.63.129.16/32",  # Azure's wire server, on a public range
        "169.254.0.0/16",  # link-local, RFC 3927; 169.254.169.254 and .170.2 are metadata services
        "172.16.0.0/12",  # private, RFC 1918
        "192.0.0.0/24",  # IETF protocol assignments, RFC 6890; 192.0.0.192 is a metadata service
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.31.196.0/24",  # AS112, RFC 7535
        "192.52.193.0/24",  # AMT, RFC 7450
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",  # private, RFC 1918
        "192.175.48.0/24",  # AS112, RFC 7534
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved, and broadcast, RFC 1112
    )
)

#: Only this block is handed out as global unicast (RFC 4291, IANA); everything else is denied without being listed.
GLOBAL_V6 = IPv6Network("2000::/3")

DENIED_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # IETF protocol assignments, with Teredo (RFC 4380)
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4, RFC 7526
        "2620:4f:8000::/48",  # AS112, RFC 7534
        "3fff::/20",  # documentation, RFC 9637
    )
)

#: Link-local networks, and the metadata services that live outside of them: they hand out credentials of the machine.
METADATA = (
    IPv4Network("169.254.0.0/16"),  # link-local, RFC 3927; with AWS, Google, Azure, DigitalOcean and others
    IPv4Network("100.100.100.200/32"),  # Alibaba
    IPv4Network("168.63.129.16/32"),  # Azure's wire server
    IPv4Network("192.0.0.192/32"),  # Oracle
    IPv6Network("fe80::/10"),  # link-local, RFC 4291
    IPv6Network("fd00:ec2::254/128"),  # AWS
    IPv6Network("fd20:ce::254/128"),  # Google
)

#: An IPv4 address behind these is what a connection really reaches.
MAPPED_V6 = IPv6Network("::ffff:0:0/96")  # RFC 4291 section 2.5.5.2
NAT64_V6 = IPv6Network("64:ff9b::/96")  # RFC 6052
LOCAL_NAT64_V6 = IPv6Network("64:ff9b:1::/48")  # RFC 8215: prefixes of any length, so the address may stand in several places
COMPATIBLE_V6 = IPv6Network("::/96")  # RFC 4291 section 2.5.5.1, deprecated
SIX_TO_FOUR_V6 = IPv6Network("2002::/16")  # RFC 3056
TEREDO_V6 = IPv6Network("2001::/32")  # RFC 4380
