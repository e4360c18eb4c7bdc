"""Families of WHOIS servers: which software a host runs, the free lines that it prints, and how it writes dates.

A free line of the host's own family weighs more than a generic one: its server would have printed something else for a name
that is reserved, blocked or registered. Lines are written as shapes (`lines.SentenceShape`): lower case, `{}` for the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from common.core.model.evidence import Phase
from common.core.parsers.whois.lines import STOPS


class Family(NamedTuple):
    """What one family prints. `day_first` says how the family means 03/04/2020; None where it never writes such dates."""

    free: frozenset[str]
    day_first: bool | None = None
    own: Mapping[str, Phase] = MappingProxyType({})  # status words of registered names that mean something else elsewhere
    marker: str = ""  # a text that only this software prints; recognises it on hosts without a row below


def _family(*free: str, day_first: bool | None = None, marker: str = "") -> Family:
    return Family(frozenset(line.rstrip(STOPS) for line in free), day_first, marker=marker)


_VERISIGN = _family("no match for {}", "no match for domain {}", marker=">>> last update of whois database:")
_GTLD = _family(
    "domain not found", "not found", "no data found", "no match for {}", "this domain name has not been registered",
    "not found: {}", "the queried object does not exist: domain not found", "the queried object does not exist",
    "the queried object does not exist: {}", "the queried object does not exist: no matching objects found",
    "domain {} is available for registration", "no match", "domain {} is available for purchase",
    "the queried object does not exist: common; no match", "no matching record",
    "the queried object does not exist: no object found", "domain status: no object found", "domain {} not found",
    "no entries found",
)  # fmt: skip
_COCCA = _family(
    "domain status: no object found", "domain status: available", "the queried object does not exist: no object found",
    "domain not found", "not found: {}", marker="domain status: no object found",
)  # fmt: skip
_FRED = _family(
    "no entries found", "error:101: no entries found", "error: no entries found", "{}: no entries found", day_first=True,
    marker="whoisd server version",
)  # fmt: skip
_RIPE = _family("no entries found for the selected source(s)", "no entries found for the selected source", "no entries found")
_AFNIC = _family("no entries found in the afnic database", "not found", day_first=True)
_CENTRALNIC = _family(
    "domain not found", "the queried object does not exist: domain not found", "the queried object does not exist"
)
_NOMINET = _family("no match for {}", "this domain name has not been registered", day_first=True)
_ZACR = _family("available", "no information was found matching that query", marker="use of this whois facility is subject to")
_FREENOM = _family(
    "invalid query or domain name not known in dot tk domain registry",
    "invalid query or domain name not known in dot cf domain registry",
    "invalid query or domain name not known in dot ga domain registry",
    "invalid query or domain name not known in dot ml domain registry",
    "invalid query or domain name not known in dot gq domain registry", day_first=False,
)  # fmt: skip
_JWHOIS = _family("no object found!", "domain {} not found", marker="this is jwhoisserver")
_KS = _family("not found", "the queried object does not exist: domain not found")
_SWHOISD = _family("no records matching {} found", marker="swhoisd ")
_CHANNEL = _family("not found", "domain status: available", day_first=True)

#: Hosts that run the same software, or print the same free lines.
_SHARED: tuple[tuple[Family, str], ...] = (
    (
        _VERISIGN._replace(free=_VERISIGN.free | {"domain not found", "no match", "this domain name has not been registered"}),
        """
        whois.verisign-grs.com ccwhois.verisign-grs.com tvwhois.verisign-grs.com jobswhois.verisign-grs.com whois.crsnic.net
        whois.nic.cc whois.nic.tv whois.nic.name whois.dotgov.gov whois.nic.jobs
        """,
    ),
    (_AFNIC, "whois.nic.fr whois.nic.re whois.nic.pm whois.nic.tf whois.nic.wf whois.nic.yt"),
    (
        _FRED._replace(
            free=_FRED.free
            | {"no match for {}", "no entries found for {}", "el dominio no se encuentra registrado en nic argentina"}
        ),
        """
        whois.nic.cz whois.marnet.mk whois.nic.fo whois.nic.ar whois.tznic.or.tz whois.nic.ve whois.nic.cr whois.nic.al
        whois.nic.mw whois.monic.mo
        """,
    ),
    (_RIPE, "whois.tcinet.ru whois.rotld.ro whois.ripn.net whois.nic.ru whois.punktum.dk whois.dk-hostmaster.dk"),
    (_CENTRALNIC, "whois.centralnic.com whois.centralnic.net whois.nic.la whois.nic.gl whois.id"),
    (_NOMINET._replace(free=_NOMINET.free | {"no such domain {}"}), "whois.nic.uk whois.ja.net whois.gov.uk"),
    (
        _ZACR,
        """
        coza-whois.registry.net.za whois.registry.net.za org-whois.registry.net.za net-whois.registry.net.za
        web-whois.registry.net.za africa-whois.registry.net.za capetown-whois.registry.net.za joburg-whois.registry.net.za
        durban-whois.registry.net.za whois.ryce-rsp.com
        """,
    ),
    (_FREENOM, "whois.dot.tk whois.dot.cf whois.dot.ga whois.dot.ml whois.dominio.gq"),
    (_JWHOIS, "whois.ati.tn whois.nic.dz whois.nic.tg whois.mediaserv.net whois.nic.sn whois.nic.ci"),
    (_KS, "ccwhois.ksregistry.net whois.nic.vg whois.nic.dm whois.nic.gd whois.adamsnames.tc"),
    (_CHANNEL, "whois.gg whois.je whois.nic.as"),
    (
        _GTLD,
        """
        whois.registry.co whois.nic.co whois.nic.us whois.biz whois.nic.biz whois.afilias-grs.info whois.afilias-srs.net
        whois.afilias.net whois.donuts.co whois.identitydigital.services whois.pir.org whois.publicinterestregistry.org
        whois.uniregistry.net whois.aero whois.registry.in whois.nixiregistry.in whois.inregistry.net whois.cat whois.museum
        whois.dotmobiregistry.net whois.dotpostregistry.net whois.sx whois.registry.hm whois.registry.knet.cn
        whois.gtld.knet.cn whois.teleinfo.cn whois.ngtld.cn
        """,
    ),
)
_HOSTS: dict[str, Family] = {
    **{host: family for family, hosts in _SHARED for host in hosts.split()},
    "whois.denic.de": _family("status: free"),
    "whois.iana.org": _family("you queried for {} but this server does not have"),
    "whois.eu": _family("status: available"),
    "whois.dns.be": _family("status: available"),
    "whois.nic.it": _family("status: available"),
    "whois.nic.lv": _family("status: free"),
    "whois.domreg.lt": _family("status: available"),
    "whois.jprs.jp": _family("no match!!", "no match!")._replace(own={"suspended": Phase.REDEMPTION}),
    "whois.domain-registry.nl": _family("{} is free", day_first=True),
    "whois.nic.ch": _family(
        "we do not have an entry in our database matching your query", "the domain name is not registered", day_first=True
    ),
    "whois.nic.li": _family("we do not have an entry in our database matching your query", "the domain name is not registered"),
    "whois.nic.at": _family("nothing found"),
    "whois.dns.pl": _family("no information available about domain name {} in the registry nask database")._replace(
        own={"blocked": Phase.REDEMPTION}  # past its billing period, thirty days in which the registrant may still renew
    ),
    "whois.iis.se": _family("{} not found", "domain {} not found"),
    "whois.iis.nu": _family("{} not found", "domain {} not found"),
    "whois.norid.no": _family("no match"),
    "whois.fi": _family("domain not found", day_first=True),
    "whois.cira.ca": _family("domain status: available", "not found: {}"),
    "whois.registro.br": _family("no match for {}", "no match for domain {}"),
    "whois.auda.org.au": _family("no data found", "not found", "domain not found"),
    "whois.audns.net.au": _family("no data found", "not found"),
    "whois.irs.net.nz": _family("no match for {}", "not found: {}"),
    "whois.srs.net.nz": _family("query_status: 220 available", "not found: {}"),
    "whois.cnnic.cn": _family("no matching record"),
    "cwhois.cnnic.cn": _family("no matching record"),
    "whois.kr": _family(
        "above domain name is not registered to krnic", "the requested domain was not found in the registry database"
    ),
    "whois.mx": _family("no_se_encontro_el_objeto/object_not_found", day_first=True),
    "whois.nic.mx": _family("no_se_encontro_el_objeto/object_not_found", day_first=True),
    "whois.nic.hu": _family("nincs találat / no match", "nincs talalat / no match", "no match"),
    "whois.isnic.is": _family("no entries found for query {}"),
    "whois.tld.ee": _family("domain not found"),
    "whois.eenet.ee": _family("domain not found", "not found: {}"),
    "whois.sk-nic.sk": _family("domain not found", "not found"),
    "whois.trabis.gov.tr": _family("no match found for {}"),
    "whois.nic.tr": _family("no match found for {}"),
    "whois.domainregistry.ie": _family(
        "not found: {}", "not registered - the domain you have requested {} is not a registered .ie domain name"
    ),
    "whois.weare.ie": _family("not found: {}"),
    "whois.dns.lu": _family("no such domain", day_first=True),
    "whois.kg": _family("data not found. this domain is available for registration"),
    "whois.nic.kz": _family("nothing found for this query"),
    "whois.nic.lk": _family("this domain is not available in our whois database"),
    "whois.register.bg": _family("domain name {} does not exist in database!", "registration status: available",
    day_first=True),
    "whois.register.si": _family("no entries found for the selected source(s)"),
    "whois.rnids.rs": _family("error:103: domain is not registered", "domain is not registered", day_first=True),
    "whois.dns.hr": _family("error: no entries found", "no entries found"),
    "whois.ua": _family("no entries found for {}", "no entries found for domain {}", "no match for {}"),
    "whois.in.ua": _family("no records found for object {}", "no entries found for {}"),
    "whois.cctld.by": _family("object does not exist"),
    "whois.cctld.uz": _family("sorry, but domain: {}, not found in database"),
    "whois.nic.ir": _family("no entries found"),
    "whois.nic.cl": _family("{}: no existe", "{}: no entries found", day_first=True),
    "whois.nic.es": _family("domain {} not found", "not found", day_first=True),
    "whois.nic.sm": _family("no entries found", day_first=True),
    "whois.nic.st": _family("no entries found for domain {}"),
    "whois.nic.im": _family("the domain {} was not found", day_first=True),
    "whois.nic.net.sa": _family("no match for {}"),
    "whois.amnic.net": _family("no match"),
    "whois.tonic.to": _family("no match for {}"),
    "whois.twnic.net.tw": _family("no found", "no records found"),
    "whois.bnnic.bn": _family("domain not found"),
    "whois.website.ws": _family("no match for {}", "the queried object does not exist: {}"),
    "whois.nic.ai": _GTLD._replace(free=_GTLD.free | {"domain {} not registred", "domain {} not registered"}),
    "whois.mynic.my": _family("domain name {} does not exist in database", "domain {} is available for registration"),
    "whois.registry.om": _family("no data found"),
    "whois.registry.qa": _family("no data found"),
    "whois.registre.ma": _COCCA._replace(free=_COCCA.free | {"error 230 no objects found"}),
    "whois.nic.md": _family("no match for", "no match for {}"),
    "whois.smallregistry.net": _family("object not found"),
    "whois.usp.ac.fj": _family("the domain {} was not found", day_first=True),
    "whois.hkirc.hk": _family("the domain has not been registered", day_first=True),
    "whois.sgnic.sg": _family("domain not found"),
    "whois.thnic.co.th": _family("no match for {}"),
    "whois.isoc.org.il": _family("no data was found to match the request criteria", day_first=True),
    "whois.nic.net.ng": _COCCA,
    "whois.na-nic.com.na": _COCCA,
}  # fmt: skip
#: Software that its answers show; the stamp of the gTLD template, which many print, comes last.
_MARKED = tuple(family for family in (_COCCA, _FRED, _ZACR, _JWHOIS, _SWHOISD, _VERISIGN) if family.marker)
_UNLISTED = _family()


def family_of(host: str, low: str) -> Family:
    """The family of a host by its row, else by the marker in the answer (`low`, in lower case), else one without free lines.

    Hosts of the form whois.nic.<tld> without a row are gTLD back ends, which share a handful of free lines.
    """
    known = _HOSTS.get(host)
    if known is not None:
        return known
    found = next((family for family in _MARKED if family.marker in low), None)
    if found is None or found is _VERISIGN:
        return _GTLD if host.startswith("whois.nic.") or found is not None else _UNLISTED
    return found._replace(free=found.free | _GTLD.free) if host.startswith("whois.nic.") else found
