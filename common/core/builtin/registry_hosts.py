"""WHOIS hosts that are or were authoritative for a suffix: host -> operator -> suffixes, beside the one queried today.

The service queries the server of `common.core.builtin.whois_servers` and trusts no other. Answers that were recorded elsewhere
may come from a registry's former host, or from the shared host of a back end; their "not found" is authoritative too. That of
any other host (a registrar, another registry) proves nothing: it lacks the name because it lacks the suffix.

A host counts for the suffixes of its rows and for no others of the same operator, which often has a database for each. No row
is needed for `whois.nic.<tld>`: registries reserve the name "nic" for themselves (base registry agreement of ICANN,
specification 5, section 3; by custom under country codes).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from common.core.builtin.rdap_servers import IANA
from common.core.builtin.tlds import IDENTITY_DIGITAL_TLDS, split_words

#: Top-level domains in which a registrar has the name "nic": whois.nic.ru is RU-CENTER's own.
_NIC_OF_A_REGISTRAR = split_words("ru su")
#: Country codes, and generic suffixes, whose registry is not known to have a public WHOIS server: no host is authoritative.
WITHOUT_WHOIS = split_words(
    """
    al ao aq az ba bb bd bs bt bv cg ck cu cw cy dj eg er fk gb gm gr gt gu gw jm jo kh km kp lr mh mil mp mv ne ni np nr pa ph
    pn py sj sv sz tj tt va vn web zw xn--54b7fta0cc xn--mgbai9azgqp6j xn--mgbayh7gpa xn--mgbc0a9azcg xn--mgbcpq6gpa1a
    xn--mgbpl2fh xn--qxam
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryHosts:
    """Hosts of one registry operator that answer, or answered, for the same suffixes; "{}" in a host stands for the suffix.

    `hosts` and `suffixes` are words with blanks between them. `source`: where it is published. `as_of`: when it was published
    or recorded, an ISO date as exact as known.
    """

    operator: str
    hosts: str
    suffixes: str
    source: str
    as_of: str


#: Lists that WHOIS clients carry: rfc1036/whois, weppos/whois, DannyCork/python-whois, pogzyb/asyncwhois.
_LISTS = "server lists of public WHOIS clients"
#: Lists of older clients, which name hosts that registries have given up since.
_OLD_LISTS = "server lists of former WHOIS clients"
#: Afilias, Donuts and Rightside (United TLD) are one operator, whose suffixes IANA's RDAP list names.
_MERGED = "identity.digital, and IANA's RDAP list"
#: Answers that clients keep as samples: weppos/whois-parser, flipbit/whois, likexian/whois-parser, jarthod/whois-parser.
_RECORDED = "answers recorded at that host"


def _row(operator: str, hosts: str, suffixes: str | Iterable[str], source: str = _LISTS, as_of: str = "2026") -> RegistryHosts:
    listed = suffixes if isinstance(suffixes, str) else " ".join(sorted(suffixes))
    return RegistryHosts(operator=operator, hosts=hosts, suffixes=listed, source=source, as_of=as_of)


def _by_rdap(*places: str) -> str:
    """The suffixes of RDAP servers, as IANA lists them, whose URL contains one of these texts: they share a WHOIS host too."""
    return " ".join(suffixes for base, suffixes in IANA if any(place in base for place in places))


_AFILIAS = (
    "abarth abbvie aco adult aigo alfaromeo apple autos avianca boats bugatti cbs ceb creditunion dabur dvr esurance fiat "
    "gea gives godaddy homes jcp lancia motorcycles natura nokia orientexpress origin porn pr schaeffler sex shaw showtime "
    "shriram volkswagen xn--4gbrim xn--g2xx48c xn--mgbca7dzdo yachts"
)
_CENTRALNIC = (
    "art auto autos baby bar beauty best blog boats bond build cam car cars ceo cfd college cyou dealer desi etisalat fans "
    "feedback forum frl fun gent hair homes host icu inc kred london luxury makeup monster motorcycles online ooo press "
    "protection qpon quest reit rent rest rugby saarland sbs security site skin space storage store tech theatre tickets "
    "uno website xn--mgbaakc7dvf yachts zuerich"
)
_CENTRALNIC_PRIVATE = (
    "ae.org africa.com ar.com br.com cn.com co.com com.de com.se de.com eu.com gb.com gb.net gr.com hu.com hu.net in.net "
    "jp.net jpn.com kr.com mex.com no.com qc.com ru.com sa.com se.com se.net uk.com uk.net us.com us.org uy.com web.com "
    "za.bz za.com"
)
_UNIREGISTRY = (
    "audio auto blackfriday car cars christmas click country diet flowers game gift guitars help hiphop hiv hosting juegos "
    "link lol mom photo pics property sexy tattoo"
)

GENERIC: tuple[RegistryHosts, ...] = (
    _row("verisign", "whois.verisign-grs.com whois.crsnic.net whois.internic.net", "com net", _RECORDED),
    _row("verisign", "jobswhois.verisign-grs.com", "jobs", _RECORDED, "2022"),
    _row("verisign", "ccwhois.verisign-grs.com", "cc", _RECORDED),
    _row("verisign", "tvwhois.verisign-grs.com", "tv", _RECORDED, "2022"),
    _row("pir", "whois.pir.org whois.publicinterestregistry.net whois.publicinterestregistry.org",
         _by_rdap("rdap.publicinterestregistry.org"), _RECORDED),
    _row("identitydigital", "whois.identitydigital.services whois.donuts.co whois.afilias.net whois.afilias.info "
         "whois.afilias-srs.net whois.unitedtld.com whois.rightside.co", IDENTITY_DIGITAL_TLDS, _MERGED, "2026-07"),
    _row("identitydigital", "whois.afilias-srs.net whois.afilias.net", _AFILIAS),
    _row("identitydigital", "whois.afilias-grs.info whois2.afilias-grs.net whois.identitydigital.services",
         "ag bz gi hn la lc mn sc vc", _RECORDED),
    _row("identitydigital", "whois.dotmobiregistry.net", "mobi", _RECORDED, "2022"),
    _row("identitydigital", "whois.aero", "aero", _RECORDED, "2021-11"),
    _row("registrypro", "whois.registrypro.pro whois.registry.pro", "pro", _OLD_LISTS, "2012"),
    _row("godaddy", "whois.biz whois.neulevel.biz", "biz", _RECORDED, "2022"),
    _row("godaddy", "whois.registry.co", "co", _RECORDED),
    _row("godaddy", "whois.aridnrs.net.au", "box catholic courses epson krd melbourne rmit saxo xn--80aqecdr1a xn--mgbi4ecexp "
         "xn--tiq49xqyj", as_of="2017"),
    _row("google", "whois.nic.google", _by_rdap("pubapi.registry.google"), _RECORDED),
    _row("centralnic", "whois.centralnic.com whois.centralnic.net",
         f"{_CENTRALNIC} {_CENTRALNIC_PRIVATE} {_by_rdap('rdap.centralnic.com')}", _RECORDED),
    _row("centralnic", "ccwhois.ksregistry.net whois.adamsnames.tc whois.adamsnames.com", "gd gs ms tc vg", _RECORDED, "2022"),
    _row("radix", "whois.centralnic.com", _by_rdap("rdap.radix.host")),
    _row("uniregistry", "whois.uniregistry.net", _UNIREGISTRY, _RECORDED, "2022"),
    _row("tucows", "whois.tucowsregistry.net", "food living"),
    _row("gmo", "whois.nic.gmo", _by_rdap("rdap.gmoregistry.net") + " goo pioneer yodobashi"),
    _row("mmx", "whois-dub.mm-registry.com", "budapest"),
    _row("knet", "whois.gtld.knet.cn whois.registry.knet.cn", "baidu wang xn--30rr7y xn--3bst00m xn--45q11c "
         "xn--6qq986b3xl xn--9et52u xn--czru2d xn--fiq64b xn--hxt814e xn--ses554g", _RECORDED, "2022"),
    _row("teleinfo", "whois.teleinfo.cn", _by_rdap("rdap.teleinfo.cn") + " xn--xhq521b"),
    _row("ngtld", "whois.ngtld.cn", _by_rdap("ngtld.cn")),
    _row("conac", "whois.conac.cn", "xn--55qw42g xn--zfr164b"),
    _row("ryce", "whois.ryce-rsp.com", _by_rdap("rdap.ryce-rsp.com"), _RECORDED, "2022"),
    _row("core", "whois.online.rs.corenic.net", "xn--80asehdb xn--80aswg"),
    _row("core", "whois.madrid.rs.corenic.net", "madrid"),
    _row("core", "whois.cat", "cat", _RECORDED, "2022"),
    _row("core", "whois.museum", "museum", _RECORDED, "2022"),
    _row("nic.at", "whois.voting.tld-box.at", "voting"),
    _row("nic.at", "whois.ikano.tld-box.at", "ikano"),
    _row("telnic", "whois-tel.neustar.biz", "tel", _OLD_LISTS, "2012"),
    _row("knipp", "whois-fe1.gmx.tango.knipp.de", "gmx"),
    _row("afnic", "whois-{}.nic.fr", "alsace aquarelle bostik bzh corsica lancaster leclerc mma ovh paris sncf total"),
    _row("zacr", "{}-whois.registry.net.za", "africa capetown durban joburg", _RECORDED, "2022"),
    _row("nic.br", "whois.gtlds.nic.br", _by_rdap("rdap.gtlds.nic.br")),
    _row("upu", "whois.dotpostregistry.net", "post", _RECORDED, "2022"),
    _row("cisa", "whois.dotgov.gov", "gov fed.us", _RECORDED, "2023"),
    _row("educause", "whois.educause.edu whois.educause.net", "edu", _RECORDED, "2022"),
    _row("iana", "whois.iana.org", "arpa int", _RECORDED),
)  # fmt: skip

COUNTRIES: tuple[RegistryHosts, ...] = (
    _row("offshore", "whois.ai", "ai", _OLD_LISTS, "2016"),
    _row("auda", "whois.audns.net.au whois.ausregistry.net.au whois.aunic.net", "au", _RECORDED, "2022"),
    _row("nic.br", "whois.nic.br", "br", _OLD_LISTS, "2012"),
    _row("belizenic", "whois.belizenic.bz", "bz", _OLD_LISTS, "2012"),
    _row("nic.cf", "whois.dot.cf", "cf", _RECORDED, "2022"),
    _row("netcom", "whois.netcom.cm", "cm", _RECORDED, "2022"),
    _row("cnnic", "cwhois.cnnic.cn cwhois.cnnic.net.cn whois.cnnic.net.cn whois.cnnic.cn", "cn xn--fiqs8s xn--fiqz9s",
         _RECORDED, "2022"),
    _row("punktum", "whois.dk-hostmaster.dk", "dk", _RECORDED, "2022"),
    _row("eis", "whois.eenet.ee", "ee", _RECORDED, "2013"),
    _row("red.es", "whois.nic.es", "es", _RECORDED, "2022"),
    _row("ethiotelecom", "whois.ethiotelecom.et", "et"),
    _row("traficom", "whois.ficora.fi", "fi", _OLD_LISTS, "2016"),
    _row("usp", "whois.usp.ac.fj", "fj", _RECORDED, "2022"),
    _row("afnic", "whois.nic.fr", "fr pm re tf wf yt", _RECORDED),
    _row("nic.ga", "whois.dot.ga", "ga", _RECORDED, "2022"),
    _row("nic.ge", "whois.registration.ge whois.itdc.ge", "ge xn--node"),
    _row("channelisles", "whois.channelisles.net", "gg je", _OLD_LISTS, "2012"),
    _row("nic.gq", "whois.dominio.gq whois.domino.gq", "gq"),
    _row("hkirc", "whois.hkdnr.net.hk whois.hknic.net.hk whois.hkirc.net.hk", "hk xn--j6w193g", _OLD_LISTS, "2012"),
    _row("pandi", "whois.pandi.or.id whois.idnic.net.id", "id", _OLD_LISTS, "2016"),
    _row("weare.ie", "whois.domainregistry.ie whois.iedr.ie", "ie", _RECORDED, "2022"),
    _row("nixi", "whois.registry.in whois.inregistry.net",
         "in xn--2scrj9c xn--3hcrj9c xn--45br5cyl xn--45brj9c xn--fpcrj9c3d xn--gecrj9c xn--h2breg3eve xn--h2brj9c "
         "xn--h2brj9c8c xn--mgbbh1a xn--mgbbh1a71e xn--mgbgu82a xn--rvc1e0am3e xn--s9brj9c xn--xkc2dl3a5ee0h", _RECORDED),
    _row("kisa", "whois.nic.or.kr whois.krnic.net whois.nic.kr", "kr xn--3e0b707e", _OLD_LISTS, "2012"),
    _row("domain.kg", "whois.domain.kg", "kg", _OLD_LISTS, "2016"),
    _row("domen", "whois.meregistry.net", "me", _OLD_LISTS, "2016"),
    _row("nic.ml", "whois.dot.ml", "ml"),
    _row("monic", "whois.monic.mo", "mo xn--mix891f", _RECORDED, "2022"),
    _row("mynic", "whois.mynic.net.my", "my xn--mgbx4cd0ab", _OLD_LISTS, "2012"),
    _row("sidn", "whois.sidn.nl", "nl", _OLD_LISTS, "2012"),
    _row("internetnz", "whois.srs.net.nz whois.irs.net.nz", "nz", _RECORDED, "2022"),
    _row("rcp", "kero.yachay.pe", "pe", _RECORDED),
    _row("pnina", "whois.pnina.ps", "ps xn--ygbi2ammx", _RECORDED, "2022"),
    _row("tci", "whois.tcinet.ru whois.ripn.net", "ru su xn--p1ai", _RECORDED),
    _row("saudinic", "saudinic.net.sa", "sa xn--mgberp4a5d4ar", _OLD_LISTS, "2016"),
    _row("sdnic", "whois.sdnic.sd", "sd"),
    _row("internetstiftelsen", "whois.nic-se.se", "se", _OLD_LISTS, "2012"),
    _row("sgnic", "whois.nic.net.sg", "sg", _OLD_LISTS, "2012"),
    _row("sgnic", "whois.sgnic.sg", "sg xn--clchc0ea0b2g2a9gcd xn--yfro4i67o"),
    _row("arnes", "whois.arnes.si", "si", _OLD_LISTS, "2016"),
    _row("thnic", "whois.thnic.net", "th xn--o3cw4h", _OLD_LISTS, "2012"),
    _row("tonic", "whois.tonic.to", "to", _RECORDED, "2022"),
    _row("twnic", "whois.twnic.net", "tw xn--kprw13d xn--kpry57d", _OLD_LISTS, "2012"),
    _row("hostmaster.ua", "whois.net.ua", "ua", _OLD_LISTS, "2012"),
    _row("jisc", "whois.ja.net", "ac.uk gov.uk", _RECORDED, "2022"),
    _row("seciu", "whois.nic.org.uy", "uy", _RECORDED, "2022"),
    _row("nic.vi", "virgil.nic.vi", "vi"),
    _row("trbr", "vunic.vu", "vu", _RECORDED, "2022"),
    _row("worldsite", "whois.worldsite.ws whois.nic.ws", "ws", _OLD_LISTS, "2012"),
    _row("zadna", "coza-whois.registry.net.za", "co.za", _RECORDED, "2022"),
)  # fmt: skip


@cache
def _suffixes_by_host() -> dict[str, frozenset[str]]:
    """Host -> the suffixes of all its rows."""
    found: dict[str, set[str]] = {}
    for row in (*GENERIC, *COUNTRIES):
        for host in row.hosts.split():
            for suffix in row.suffixes.split():
                found.setdefault(host.replace("{}", suffix), set()).add(suffix)
    return {host: frozenset(suffixes) for host, suffixes in found.items()}


@cache
def _suffixes_with_registry() -> frozenset[str]:
    return WITHOUT_WHOIS.union(*_suffixes_by_host().values())


def speaks_for(host: str, suffix: str) -> bool:
    """Whether the host is, or was, a WHOIS host of the suffix's registry.

    `host` is in lower case without a port, `suffix` an A-label.
    """
    if suffix in _suffixes_by_host().get(host, frozenset()):
        return True
    return host == f"whois.nic.{suffix}" and suffix not in _NIC_OF_A_REGISTRAR


def has_registry(suffix: str) -> bool:
    """Whether the suffix has a row here, or is known to have a registry without WHOIS."""
    return suffix in _suffixes_with_registry()


def is_registry_host(host: str) -> bool:
    """Whether the host is a WHOIS host of any registry."""
    return host in _suffixes_by_host() or host.startswith("whois.nic.")
