"""The labels of WHOIS records and what they mean, as data.

A label is compared in lower case, without list marks, brackets and numbers.
"""

from __future__ import annotations

import re
from enum import IntEnum, auto
from functools import lru_cache


class Kind(IntEnum):
    """What a labelled line holds. HOLDER only proves that there is a record: contact data is not kept."""

    NAME = auto()
    SUFFIX = auto()
    CREATED = auto()
    UPDATED = auto()
    EXPIRES = auto()
    REGISTRAR = auto()
    STATUS = auto()
    SERVER = auto()
    HOLDER = auto()
    HANDLE = auto()
    RENEWAL = auto()  # a date that is the expiry on some servers and the last renewal on others
    CONTACT_BLOCK = auto()
    REGISTRAR_BLOCK = auto()
    DOMAIN_BLOCK = auto()
    NOISE_BLOCK = auto()


_NAME = """
domain name|domain|domainname|nom de domaine|dominio|nombre de dominio|complete domain name|query|domaine|nome de dominio
dominium|domain name ace|ascii|ace|ドメイン名|도메인이름|nombre del dominio|domena|domæne|verkkotunnus|domain name utf8
domain idn
"""
_CREATED = """
created|created on|creation date|create date|created date|registered|registered on|registration date|registration time
activated|activation|activated on|acivated|activation date|record created|record created on|record activated
domain created|domain create date|domain creation date|domain registered|domain registration date|domain record activated
date created|date registered|date approved|registered date|domain dateregistered|first registration date|fecha de creacion
fecha de creación|fecha de registro|date de creation|date de création|date|entry created|created at
domain record created|registration start|creation|erstellt|erstellt am|登録年月日|등록일|registrered|регистриран|registered from
registration|domain date created|created time|commencement date|start domain|assigned|creation time|date of registration
date of creation|domain name commencement date|assigned date|start date|data de registo|data registrazione
registered since|fecha registro|registro|criado|creado|data de registro|data de criacao|data de criação|create time
registered time|opprettet|skapad|valid from|data creazione|registrace|utworzono|utworzona|luotu|aangemaakt|oprettet
创建时间|注册时间|registered at|first registered|domain registered at|дата регистрации|dátum registrácie
registreeritud|創建時間|註冊時間|등록일자
"""
_UPDATED = """
updated|updated on|updated date|update date|last update|last updated|last updated on|last updated date|last modified
modified|modified date|modification date|changed|record last updated on|record last updated|record changed
record changed on|last changed|last-update|last-updated|domain last updated date|domain last updated
domain record last updated|domain datelastmodified|record last modified|ultima actualizacion|ultima actualización
derniere modification|dernière modification|entry updated|更新|最終更新|최근 정보 변경일|updated at|update time|last modified on
date modified|domain updated|last change|modified on|record updated|ultima modificacion|changed on|last updated at
"""
_EXPIRES = """
expires|expires on|expire|expired|expiry|expiry date|expiration date|expire date|expiration|expires at|expiration time
registry expiry date|registrar registration expiration date|registrar expiration date|paid-till
record expires on|record will expire on|record expires|record expired|domain expires|domain expiration date
domain currently expires|domain datebilleduntil|fecha de vencimiento|fecha de expiracion|fecha de expiración
date d'expiration|validity|valid until|valid-until|valid to|free on|expiration on|domain expiry date|registered until
paid till|有効期限|사용 종료일|registration expires|expiry on|vencimiento|expiration-date|paid until
expires date|data de expiracao|data de expiração|domain expiration|expiry time|exp date|expired date
registry expiration date|registration expiration date|license expiration|utløper|date of expiry|expires by
fecha expiracion|expira|data scadenza|valid date|expiration day|registration end|record expire date
expire on|exp. date|ablaufdatum|läuft ab|scadenza|vervaldatum|expirace|wygasa|gyldig til|utgår|udløber|vanhenee
到期时间|过期时间|end date|registration end date|vencimento|data de vencimento|validade|дата окончания|действует до
оплачен до|到期時間|사용종료일
expire time|expired at|expiry at|expires at|valid till|expiration at
"""
_RENEWAL = """
renewal date|renewal|date renewal|renew date|next renewal|renewed until|due date|renewal due|renewal on|renews on
option expiration date
"""
_REGISTRAR = """
registrar|registrar name|sponsoring registrar|registered through|current registar|current registrar|registered by
registration service provider|registrar organization|registrar company|agente registrador|registrado por|registraire
eintragender|registrar handle|domain registrar|sponsor|registrar of record|authorized agency|registrar information
registrar organisation|registration-service-provider|maintained by registrar|sponsoring registrar organization
registrierungsstelle|등록대행자
"""
_STATUS = """
status|domain status|state|registration status|domain state|eppstatus|query status|estatus del dominio|statut|domaintype
estado|状態|lock status|domain statut|current status|domain-status|epp status|domain availability|availability
registry status|ステータス
"""
_SERVER = """
name server|name servers|nameserver|nameservers|nserver|nservers|ns|dns|dns server|dns servers|hostname|domain nameservers
domain servers|domain servers in listed order|name servers in the listed order|nameserver in listed order
name servers information|current nameservers|servidores de nombre|servidor|servers|primary server|secondary server
primary ns|secondary ns|host name|domain name servers|authoritative name servers|ネームサーバ|nserver hostname
name server hostname|servidores dns|dns name servers|tertiary server|primary name server|secondary name server
serveur de nom|serveurs de noms|nameserver information|ns hostname|ns name|name server information
domain name servers listed in order|servidor de nombres de dominio|nameserver listed in order|name servers listed in order
host|servidores|servidor de nombres|domain nameserver|listed name servers|name server handle|primary-server
secondary-server|name servers in listed order|dns-servers|호스트이름|name-server|ns server|delegated nameservers|delegation
"""
_HOLDER = """
registrant|registrant name|registrant organization|registrant id|registrant contact|holder|holder-c|owner|owner-c
owner name|owner-name|owner-contact|admin-c|tech-c|zone-c|billing-c|registrant-organization|holder of domain name|titular
domain holder|registered for|domain owner|registrant type|registrant email|admin id|tech id|admin name|tech name|nic-hdl
mnt-by|mntnr|nsset|organization using domain name|owner organization|登録者名|組織名|organisation|descr|admin contact name
registrant contact name|org|registrant contact id|administrative contact|technical contact|billing contact|admin contact
tech contact|owner contact|contact administratif|contact technique|registrant country|registrant-name|owner-organization
holder name|organization|organization name|registrar whois server|registrar url|referral url|registrar iana id
sponsoring registrar iana id
"""
_HANDLE = "registry domain id|domain id|roid|domain name id"
_CONTACTS = """
registrant|holder|owner|titular|administrative contact|technical contact|billing contact|admin contact|tech contact|admin
tech|tech contacts|contact|contacts|person|role|nic-hdl|registrant contact|owner contact|registrar technical contacts
holder-c|registrant's address|organization using domain name|zone-c|admin-c|tech-c|billing-c|technical contacts
administrative contacts|nsset|keyset|domain owners / registrant|domain managers|holder of domain name
contacto administrativo|contacto tecnico|onsite|personname|contacto financiero|billing|zone|registered for|domain holder
domain owner|contact administratif|contact technique|registrant information|administrative contact information
technical contact information|contact information|公開連絡窓口|administrator|organisation|domain registrant
adminstrative contact|administrativ contact|technical contact(s)|registrant details|owner details|org|keys
"""
_REGISTRARS = (
    "registrar|registrars|current registrar|agente registrador|registrar information|registrar details|registrar contact"
)
_DOMAINS = (
    "relevant dates|dates|domain information|domain details|additional info|domain data|details|registration|"
    "important dates|additional information"
)
_NOISE = "whois|database|server"


def _split_labels(words: str) -> frozenset[str]:
    return frozenset(words.split("|"))


def _build_label_kinds() -> dict[str, Kind]:
    table: dict[str, Kind] = {}
    for kind, words in (
        (Kind.HOLDER, _HOLDER),
        (Kind.NAME, _NAME),
        (Kind.CREATED, _CREATED),
        (Kind.UPDATED, _UPDATED),
        (Kind.EXPIRES, _EXPIRES),
        (Kind.RENEWAL, _RENEWAL),
        (Kind.REGISTRAR, _REGISTRAR),
        (Kind.STATUS, _STATUS),
        (Kind.SERVER, _SERVER),
        (Kind.HANDLE, _HANDLE),
        (Kind.SUFFIX, "extension"),
    ):
        for row in words.split("\n"):
            table.update({_join_words(word): kind for word in row.split("|") if word})
    return table


def _join_words(label: str) -> str:
    return " ".join(label.replace("-", " ").replace("_", " ").split())


_MARK = re.compile(r"^(?:[0-9]{0,2}[a-z]?[.)]\s+|[a-z]\s+(?=\[))")
_NUMBER = re.compile(r"\s?\d{1,2}$|^(ns) ?\d{1,2}\b")
_ASIDE = re.compile(r"\([^()]{0,60}\)")
_KINDS = _build_label_kinds()
_BLOCKS = {
    **{_join_words(w): Kind.CONTACT_BLOCK for row in _CONTACTS.split("\n") for w in row.split("|") if w},
    **{_join_words(w): Kind.REGISTRAR_BLOCK for w in _REGISTRARS.split("|")},
    **{_join_words(w): Kind.DOMAIN_BLOCK for w in _DOMAINS.split("|")},
    **{_join_words(w): Kind.NOISE_BLOCK for w in _NOISE.split("|")},
}
#: Labels that open an object of their own where a new paragraph begins; inside the object of a name they are attributes.
OBJECTS = _split_labels("person|role|nic hdl|contact|personname|nsset|keyset|org|organisation|mntner|registrant|holder|owner")
#: Labels that contact objects have as well: there they say nothing about the name.
SHARED = _split_labels(
    "created|changed|modified|updated|last update|last updated|last modified|status|state|registered|updated on|date"
    "|registration|host|servers|source|organization|organisation|expired|modified on|changed on"
)


@lru_cache(maxsize=4096)
def normalise_label(label: str) -> str:
    """The form in which labels are compared: "a. [Domain Name]", "Domain Name........" and "domain_name" become equal."""
    low = _MARK.sub("", label.strip(" \t.*#>").lower()).strip("[]*#. \t")
    if "(" in low:
        low = _ASIDE.sub("", low)
    return _join_words(_NUMBER.sub(r"\1", low.strip(" .:#\t")))


@lru_cache(maxsize=4096)
def kind_of(label: str) -> Kind | None:
    """The kind of a normalised label; None for one whose value is not used."""
    found = _KINDS.get(label)
    if found is None and "/" in label:
        found = next((_KINDS[part] for part in (_join_words(p.strip()) for p in label.split("/")) if part in _KINDS), None)
    return found


def block_of(label: str) -> Kind | None:
    """The kind of block that a normalised label opens as a heading; None where it is no heading."""
    return _BLOCKS.get(label)


#: Lines whose label is the beginning of a sentence.
SENTENCES: tuple[tuple[str, Kind], ...] = (
    ("record created on ", Kind.CREATED),
    ("record created ", Kind.CREATED),
    ("registered on ", Kind.CREATED),
    ("created on ", Kind.CREATED),
    ("record expires on ", Kind.EXPIRES),
    ("record will expire on ", Kind.EXPIRES),
    ("expires on ", Kind.EXPIRES),
    ("record last updated on ", Kind.UPDATED),
    ("record changed on ", Kind.UPDATED),
)
