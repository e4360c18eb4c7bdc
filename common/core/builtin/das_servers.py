"""Domain availability services (DAS): servers that only tell whether a name is taken, with higher rate limits than WHOIS.

Rates are at most a third of what the registry publishes, and low where it publishes nothing. A row is `certain` where the
registry's own page gives host and form; the others come from public client code, some of it years old, and are asked only where
the operator of this service says so (`DAS_SUFFIXES`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from common.core.model.evidence import Outcome


class Form(StrEnum):
    """How a service is asked, and in which form it answers."""

    LINE = "line"  # one line over TCP, answered by text until the server closes
    LETTERS = "letters"  # the same, answered by Nominet's comma separated fields
    WEB_TEXT = "web text"  # HTTP GET, answered by text
    BR_JSON = "br json"  # HTTP GET, answered by registro.br's object with a numeric status
    EE_AUCTIONS = "ee auctions"  # HTTP GET, answered by the list of all .ee names in auction


class Access(StrEnum):
    """Which clients a registry serves."""

    PUBLIC = "public"
    MEMBERS = "members"  # the addresses of members of the registry
    LOGIN = "login"  # members with a user name and a password, which are never sent: only a server in DAS_SERVERS_FILE is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class DasServer:
    """How to query one service and what its answers mean.

    `query` is the line to send, line end included, or the path of the URL, with {name} for the A-label name, {label} for its
    first label and {ulabel} for the name in U-labels; `idn_query` is the one for names with an A-label, "" where it is the
    same. `words` maps the whole text of a status, in lower case, to an outcome, before those of `COMMON`. `rate` is in queries
    per second. `other_hosts` give the same answers. `source` is where the row was read, at the date `read`.
    """

    host: str
    port: int
    suffixes: tuple[str, ...]
    query: str
    form: Form = Form.LINE
    tls: bool = False
    idn_query: str = ""
    words: Mapping[str, Outcome] = field(default_factory=dict)
    access: Access = Access.PUBLIC
    certain: bool = False
    rate: float = 0.1
    burst: int = 2
    other_hosts: tuple[str, ...] = ()
    source: str
    read: str = "2026-07"

    @property
    def is_web(self) -> bool:
        """Whether it is asked over HTTP."""
        return self.form not in (Form.LINE, Form.LETTERS)


_FREE, _TAKEN, _KEPT, _WRONG = Outcome.UNREGISTERED, Outcome.REGISTERED, Outcome.RESERVED, Outcome.INVALID

#: The words that mean the same at every service; those of a service itself come first.
COMMON = {
    "available": _FREE,
    "free": _FREE,
    "not available": _TAKEN,
    "registered": _TAKEN,
    "in use": _TAKEN,
    "occupied": _TAKEN,
    "delegated": _TAKEN,
    "not allowed": _WRONG,
    "forbidden": _KEPT,
    "reserved": _KEPT,
    "blocked": _KEPT,
    "withdrawn": _KEPT,
    "excluded": _KEPT,
    "on hold": _TAKEN,
    "suspended": _TAKEN,
    "quarantine": _TAKEN,
    "in quarantine": _TAKEN,
    "active": _TAKEN,
    "requested": _TAKEN,
    "cannot be registered": _KEPT,
    "can currently not be registered": _KEPT,
    "invalid": _WRONG,
    "not valid": _WRONG,
}

_CLIENTS = "github.com/thedarkwinter/net-das-perl"

#: The row for a service of the operator's own about which nothing is known.
PLAIN = DasServer(host="", port=4343, suffixes=(), query="{name}\r\n", source="the form that most services share")

SERVERS = (
    DasServer(
        host="das.dns.be",
        port=4343,
        suffixes=("be",),
        query="{name}\r\n",
        certain=True,
        rate=0.27,  # published: 50 a minute for each address
        burst=5,
        source="docs.dnsbelgium.be/be/general/whoisanddas.html",
    ),
    DasServer(
        host="das.eu",
        port=4343,
        suffixes=("eu", "xn--e1a4c", "xn--qxa6a"),
        query="get 1.0 {label}\r\n",
        certain=True,
        rate=0.5,  # published: 120 a minute; das.registry.eu, for registrars: 360
        burst=5,
        other_hosts=("das.registry.eu",),
        source="eurid.org/en/become-registrar/lookup-services",
    ),
    DasServer(
        host="das.nic.it",
        port=4343,
        suffixes=("it", "co.it"),
        query="{name}\r\n",
        words={"unavailable": _TAKEN},
        source=f"{_CLIENTS} lib/Net/DAS/IT.pm",
    ),
    DasServer(
        host="das.domreg.lt",
        port=4343,
        suffixes=("lt",),
        query="get 1.0 {name}\r\n",
        source=f"{_CLIENTS} lib/Net/DAS/LT.pm",
    ),
    DasServer(
        host="das.arnes.si",
        port=4343,
        suffixes=("si",),
        query="{name}\r\n",
        source=f"{_CLIENTS} lib/Net/DAS/SI.pm (2016)",
    ),
    DasServer(
        host="whois.rotld.ro",
        port=4343,
        suffixes=("ro",),
        query="{name}\r\n",
        source=f"{_CLIENTS} lib/Net/DAS/RO.pm",
    ),
    DasServer(
        host="finger.norid.no",
        port=79,
        suffixes=("no",),
        query="{name}\r\n",
        idn_query="-c utf-8 {ulabel}\r\n",
        certain=True,
        other_hosts=("whois.norid.no",),
        source="teknisk.norid.no/en/integrere-mot-norid/das (limited, figure not published)",
    ),
    DasServer(
        host="free.iis.se",
        port=80,
        suffixes=("se",),
        query="/free?q={name}",
        form=Form.WEB_TEXT,
        words={"not_valid": _WRONG},
        source=f"{_CLIENTS} lib/Net/DAS/SE.pm (2016)",
    ),
    DasServer(
        host="free.iis.nu",
        port=80,
        suffixes=("nu",),
        query="/free?q={name}",
        form=Form.WEB_TEXT,
        words={"not_valid": _WRONG},
        source=f"{_CLIENTS} lib/Net/DAS/NU.pm (2016)",
    ),
    DasServer(
        host="das.dk-hostmaster.dk",
        port=443,
        suffixes=("dk",),
        query="/domain/is_available/{ulabel}",  # a name in A-labels is not decoded there
        form=Form.WEB_TEXT,
        tls=True,
        words={"unavailable": _TAKEN, "available-on-waiting-list": Outcome.DROPPING},
        access=Access.LOGIN,
        certain=True,
        rate=0.3,  # published: 60 a minute
        source="github.com/Punktum-dk/das-service-specification (1.7)",
    ),
    DasServer(
        host="dac.nic.uk",
        port=2043,
        suffixes=("uk", "co.uk", "org.uk", "me.uk", "ltd.uk", "plc.uk", "net.uk", "sch.uk"),
        query="{name}\r\n#exit\r\n",  # without #exit the connection stays open for the next name
        form=Form.LETTERS,
        access=Access.MEMBERS,
        certain=True,
        source="nominet.org.uk/other/dac/realtimedac/realtimedacinstructions",
    ),
    DasServer(
        host="whois.domain-registry.nl",
        port=43,
        suffixes=("nl",),
        query="is {name}\r\n",
        rate=0.0,  # SIDN's conditions forbid automated use of this host without permission
        burst=0,
        source="gtld-similarity.info/18/53.html (the service; its form is not verified)",
    ),
    DasServer(
        host="whois.nic.gent",
        port=4343,
        suffixes=("gent",),
        query="{name}\r\n",
        source=f"{_CLIENTS} lib/Net/DAS/GENT.pm (2016)",
    ),
    DasServer(
        host="registro.br",
        port=443,
        suffixes=(
            *("br", "com.br", "net.br", "org.br", "app.br", "art.br", "blog.br", "dev.br", "eco.br", "emp.br", "ind.br"),
            *("log.br", "ong.br", "rec.br", "seg.br", "social.br", "srv.br", "tec.br", "tur.br", "tv.br", "wiki.br"),
        ),
        query="/v2/ajax/avail/raw/{name}",
        form=Form.BR_JSON,
        tls=True,
        source="the registry's own search page, through public client code",
        read="2026-11",
    ),
    DasServer(
        host="repp.internet.ee",
        port=443,
        suffixes=("ee",),
        query="/repp/v1/auctions",
        form=Form.EE_AUCTIONS,
        tls=True,
        rate=1.0,  # of names, not of requests: one list answers for every name for some minutes
        burst=5,
        source="github.com/internetee/registry app/controllers/repp/v1/auctions_controller.rb (host not confirmed)",
        read="2026-11",
    ),
)

#: The word for all suffixes in the list of those whose service may be asked although it is not certain or not public.
EVERY_SUFFIX = "all"

BY_HOST = {host: server for server in SERVERS for host in (server.host, *server.other_hosts)}
BY_SUFFIX = {suffix: server for server in SERVERS for suffix in server.suffixes}
