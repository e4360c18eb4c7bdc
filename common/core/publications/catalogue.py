"""Which publications concern a watch list, and where each is at a given time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from common.core.builtin.publication_rows import BY_NAME, CERTIFICATES, CZDS, PUBLICATIONS
from common.core.model.publication import Form, Publication
from common.core.parsers.publications.local_days import local_day

#: Endings of the names of zone files in a folder, after the top-level domain.
ZONE_FILE_ENDINGS = (".zone.gz", ".txt.gz", ".zone", ".txt")


def publications_for(
    suffixes: Collection[str], enabled: Collection[str] = (), disabled: Collection[str] = ()
) -> list[Publication]:
    """The publications to be read for these watched suffixes (A-labels), in the order of the table.

    `enabled` names publications that are read although they are off by default, `disabled` those that are not read. One whose
    form is not known is never read.
    """
    return [
        row
        for row in PUBLICATIONS
        if row.form is not Form.UNKNOWN
        and row.name not in disabled
        and (row.on or row.name in enabled)
        and any(concerns(row, suffix) for suffix in suffixes)
    ]


def unknown_names(names: Iterable[str]) -> list[str]:
    """Those of the given names that no publication has, sorted."""
    return sorted(set(names).difference(BY_NAME))


def concerns(publication: Publication, suffix: str) -> bool:
    """Whether names of a watched suffix can stand in a publication."""
    return any(suffix == own or suffix.endswith(f".{own}") for own in publication.suffixes)


def zone_file_publication(file_name: str) -> Publication | None:
    """The publication that a zone file of a folder is: `com.zone.gz`, `com.txt.gz`, or the same unpacked; else None."""
    for ending in ZONE_FILE_ENDINGS:
        suffix = file_name.removesuffix(ending)
        if suffix != file_name and suffix and "." not in suffix and suffix == suffix.lower():
            return replace(CZDS, name=f"{suffix}-zone-file", suffixes=(suffix,), packed=ending.endswith(".gz"))
    return None


def find_publication(name: str) -> Publication | None:
    """The publication of this name, that of a zone file and the certificates included; None where there is none."""
    if name == CERTIFICATES.name:
        return CERTIFICATES
    suffix, mark, rest = name.partition("-zone-file")
    return zone_file_publication(f"{suffix}.zone") if mark and not rest else BY_NAME.get(name)


def url_of(publication: Publication, now: float) -> str:
    """Where a publication is at `now` (epoch seconds); {yyyymmdd} in its URL is the local day."""
    return publication.url.replace("{yyyymmdd}", local_day(publication, now).strftime("%Y%m%d"))
