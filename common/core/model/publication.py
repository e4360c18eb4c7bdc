"""What registries publish about names: drop lists, auction lists, whole registers, zones; and what is read in them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from common.core.model.evidence import Moment, Observation


class Kind(StrEnum):
    """What it means that a name stands in a publication."""

    DROP_LIST = "drop_list"  # still registered, released at a stated time
    DELETED_LIST = "deleted_list"  # deleted, free already or about to be
    AUCTION_LIST = "auction_list"  # purged, inside a release procedure of the registry
    REGISTRATIONS = "registrations"  # registered; the list is of all names
    ZONE = "zone"  # registered and delegated
    CERTIFICATES = "certificates"  # a certificate was issued for it, or for a name below it


class Form(StrEnum):
    """How a publication is written."""

    CSV = "csv"  # a header that names the columns, parted by `,` or `;`; comments begin with `#` or `--`
    NAMES = "names"  # one name a line, perhaps in brackets; the first line may be a date
    BR_TEXT = "br text"  # one name a line under a `#` head; the last line is `# Fim do arquivo`
    JSON = "json"  # an object with an array of flat objects
    ZONE_TEXT = "zone text"  # a master file (RFC 1035 section 5)
    AXFR = "axfr"  # a zone transfer (RFC 5936)
    CERTSTREAM = "certstream"  # a WebSocket of JSON messages, one for each certificate
    UNKNOWN = "unknown"  # not known well enough, or in too many pieces, to be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One list or zone that a registry publishes.

    `suffixes` are those at or below which its names lie (right below those of a zone); the other fields say where it is, in
    which form, and what proves it whole. `url` may hold {yyyymmdd}, the local day of the reading. `server` is the host of a
    zone transfer. `packed`: gzip, whatever the headers say. `checksum` is appended to the URL for the SHA-256 of what is sent,
    "" where there is none. `hour` is when it is renewed, in minutes after midnight UTC, None where that is not known; `every`
    is the least interval between two readings, in seconds.

    `columns` name the columns, or the members of an object, of the domain, its time and its object id, as far as there are any:
    a label in lower case, or a number counted from 0. `rows` is the member that holds the array, `only` a column and the value
    that it must have for a row to count.

    `offset` are the minutes by which local time is ahead of UTC in winter, `summer` whether the summer time of the European
    Union is observed; days, and minutes after midnight, are local ones. `at_minute` is when names of a day are released that
    have no hour of their own, in minutes after midnight, and `span` how many minutes after its time a name is released at the
    latest. `days_ahead` is how many days after the reading the names of a list without dates are released, None where it is no
    matter of days. `final` is how many days before its release a listed name cannot be renewed any more.

    `least` is the least number of names of a whole list, `most_bytes` the bound of its text, unpacked. `terms` are the
    conditions of use in one sentence, `on` whether they let it be read by default. `as_of` is when the row was read.
    """

    name: str
    suffixes: tuple[str, ...]
    kind: Kind
    form: Form
    url: str = ""
    server: str = ""
    charset: str = "utf-8"
    packed: bool = False
    checksum: str = ""
    hour: int | None = None
    every: float = 86_400.0
    columns: tuple[str, ...] = ()
    rows: str = ""
    only: tuple[str, str] | None = None
    offset: int = 0
    summer: bool = False
    at_minute: int = 0
    span: int = 1440
    days_ahead: int | None = None
    final: int = 0
    least: int = 1
    most_bytes: int = 256 << 20
    terms: str
    on: bool = True
    source: str
    as_of: str


#: Most names in one message.
MOST_LISTED = 2000


class ListedName(Struct, frozen=True, array_like=True):
    """A name that stands in a publication: A-label, when it is released (epoch seconds) where that is said, and its ROID."""

    name: Annotated[str, Meta(max_length=253)]
    at: Moment | None = None
    object_id: Annotated[str, Meta(max_length=120)] = ""


class ListSummary(Struct, frozen=True):
    """A publication that was read whole: how many names it holds, when it was made, where it says so (epoch seconds).

    `rest` are names that were complete only at the end of the text.
    """

    size: int
    made_at: float | None = None
    rest: tuple[ListedName, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """What a publication that was made at `made_at` (epoch seconds) says about one name; None: it does not list it any more.

    `asks`: whether the name is to be checked then, `asks_registry`: by its registry too, although DNS may know nothing new.
    `quiet_until`: until when it need not be asked about, in epoch seconds: the publication is read again before that.
    """

    observation: Observation | None
    made_at: float
    asks: bool = False
    asks_registry: bool = False
    quiet_until: float = 0.0
