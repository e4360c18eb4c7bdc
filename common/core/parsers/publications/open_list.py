"""The reader of a publication, by its form."""

from __future__ import annotations

from common.core.model.publication import Form, Publication
from common.core.parsers.publications.bounded_reader import ListReader
from common.core.parsers.publications.json_lists import JsonReader
from common.core.parsers.publications.text_lists import BrReader, CsvReader, NamesReader
from common.core.parsers.publications.zone_text import ZoneReader

_READERS: dict[Form, type[ListReader]] = {
    Form.CSV: CsvReader,
    Form.NAMES: NamesReader,
    Form.BR_TEXT: BrReader,
    Form.JSON: JsonReader,
    Form.ZONE_TEXT: ZoneReader,
}


def open_list(publication: Publication, read_at: float) -> ListReader:
    """A reader of the unpacked text of a publication that is read at `read_at` (epoch seconds).

    Raises KeyError for a zone transfer, which is no text, and for a form that is not known.
    """
    return _READERS[publication.form](publication, read_at)
