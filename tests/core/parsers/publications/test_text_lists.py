"""Lists of names and of rows: what each form says, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from common.core.builtin.publication_rows import BY_NAME
from common.core.model.publication import ListedName, Publication
from common.core.parsers.publications import bounded_reader
from common.core.parsers.publications.open_list import open_list
from common.errors import PublicationError

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()
BR = """# Arquivo gerado em 2026-11-10T10:00:00-03:00
# Processo de liberação no período de 2026-11-11 a 2026-11-18
a.com.br
b.adv.br

# Fim do arquivo
"""


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> float:
    """Epoch seconds of a time in UTC."""
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


def read(publication: Publication | str, data: bytes, step: int = 7) -> list[ListedName]:
    """The names of a text that arrives in pieces of `step` bytes, once it is proved whole."""
    reader = open_list(BY_NAME[publication] if isinstance(publication, str) else publication, NOON)
    found = [name for start in range(0, len(data), step) for name in reader.feed(data[start : start + step])]
    summary = reader.finish()
    found += summary.rest
    assert summary.size == len(found)
    return found


def problem_of(publication: Publication | str, data: bytes) -> str:
    """What is wrong with a text."""
    with pytest.raises(PublicationError) as caught:
        read(publication, data)
    return str(caught.value)


def test_a_uk_drop_list_gives_the_second_of_each_release() -> None:
    """With the object id of the registry."""
    text = b"roid,domain,drop_time\r\n12-UK,a.co.uk,2026-12-05T10:00:01Z\r\n13-UK,B.uk,2026-12-06T11:00:00Z\r\n"

    assert read("uk-drops", text) == [
        ListedName("a.co.uk", at(2026, 12, 5, 10, 0, 1), "12-UK"),
        ListedName("b.uk", at(2026, 12, 6, 11), "13-UK"),
    ]


def test_names_without_dates_are_released_on_the_day_of_the_reading() -> None:
    """At the registry's hour, in local time: 09:00 in Rome is 08:00 UTC in winter, and CNNIC's day begins at 16:00 UTC."""
    assert read("it-drops-09", b"a.it\nb.it") == [ListedName(name, at(2026, 11, 30, 8)) for name in ("a.it", "b.it")]
    assert read("it-drops-16", b"a.it\n") == [ListedName("a.it", at(2026, 11, 30, 15))]
    assert read("cn-drops-1", b"[a.cn]\r\n[b.com.cn]\r\n")[1] == ListedName("b.com.cn", at(2026, 11, 30, 16))


def test_a_release_list_of_br_is_proved_by_its_head_and_foot() -> None:
    """In either charset; when it was made is said in it."""
    for charset in ("utf-8", "iso-8859-1"):
        reader = open_list(BY_NAME["br-release"], NOON)
        names = [listed.name for listed in reader.feed(BR.encode(charset))]
        assert (names, reader.finish().made_at) == (["a.com.br", "b.adv.br"], at(2026, 11, 10, 13))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("# Fim do arquivo\n", "", "cut off"),
        ("# Fim do arquivo\n", "# Fim do arquivo\nc.com.br\n", "text follows its last line"),
        ("no período de 2026-11-11 a 2026-11-18", "", "head"),
        ("# Processo de libera", "# Lista de ", "head"),
        ("a.com.br", "a.com", "not under .br"),
    ],
)
def test_a_release_list_of_br_that_is_not_whole_is_refused(old: str, new: str, problem: str) -> None:
    """Each part of the proof counts."""
    assert problem in problem_of("br-release", BR.replace(old, new).encode())


def test_rows_that_are_not_available_yet_are_left_out() -> None:
    """NIC Mexico prints a time above the head, and says of each name whether it is free."""
    text = b'"01/10/26 03:00:16 GMT-6"\nDominio,Disponible\na.mx,true\nb.com.mx,false\n"c.mx","TRUE"\n'

    assert [listed.name for listed in read("mx-deleted", text)] == ["a.mx", "c.mx"]


def test_a_list_in_gbk_with_local_times_is_read() -> None:
    """Its columns are known by their places; 03:05 in China is 19:05 UTC the day before."""
    assert read("top-drops", "域名,删除时间\na.top,2026/12/1 3:05\n".encode("gbk")) == [
        ListedName("a.top", at(2026, 11, 30, 19, 5))
    ]


def test_a_list_of_all_names_is_read_by_its_head() -> None:
    """Slovakia's: comments, semicolons, ISO-8859-2."""
    text = "-- zoznam domén\ndomena;ID reg;držiteľ\na.sk;REG;X\nžlté.sk;REG;Y\n".encode("iso-8859-2")

    assert [listed.name for listed in read("sk-names", text)] == ["a.sk", "xn--lt-cja70d.sk"]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("it-drops-09", b"", "empty"),
        ("it-drops-09", b"\n \n", "empty"),
        ("it-drops-09", b"\xef\xbb\xbf <!DOCTYPE html><html>a.it", "web page"),
        ("it-drops-09", b"a.it\nb.it\0\n", "NUL"),
        ("it-drops-09", b"a.it\n" + b"x" * 20_000, "line 2 is longer"),
        ("it-drops-09", b"a.it\n" + b"x" * 20_000 + b"\n", "line 2 is longer"),
        ("it-drops-09", b"a.it\nb.com\n", "b.com, which is not under .it"),
        ("it-drops-09", b"a.it\n\xff\xfe.it\n", "line 2 is no text in utf-8"),
        ("it-drops-09", b"not found\nno such file\ntry again\n", "hold no name"),
        ("it-drops-09", b"a.it\n" * 30 + b"not a name\n" * 30, "hold no name"),
        ("it-drops-09", b"a.it\nb.i", "cut off"),
        ("uk-drops", b"roid,domain\n1-UK,a.uk\n", "column drop_time"),
        ("uk-drops", b"a\n" * 9, "column domain"),
        ("uk-drops", b"a\n" * 3, "no head"),
        ("uk-drops", b"roid,domain,drop_time\n1-UK,a.uk,2026-12-05T10:00:01Z\n2-UK,b.uk", "middle of a row"),
        ("uk-drops", b"roid,domain,drop_time\n" + b"1-UK,a.uk,soon\n" * 30, "hold no name"),
        ("uk-drops", b"roid,domain,drop_time\n" + b"1-UK,a.uk,9999-12-05T10:00:01Z\n" * 30, "hold no name"),
        ("mx-deleted", b"Dominio\na.mx\n", "column disponible"),
        ("top-drops", b"a\nb.top\n", "too few columns"),
        ("sk-names", b"domena;x\na.sk\n", "middle of a row"),
    ],
)
def test_what_is_no_such_list_is_refused_in_one_sentence(name: str, text: bytes, problem: str) -> None:
    """Nothing of it may be used."""
    assert problem in problem_of(name, text)


def test_a_list_without_end_is_refused() -> None:
    """Also one that is well formed."""
    publication = replace(BY_NAME["it-drops-09"], most_bytes=50)

    assert problem_of(publication, b"a.it\n" * 11) == "it is longer than 50 bytes"


def test_a_few_lines_without_a_name_are_let_pass() -> None:
    """A date above the list, a name that cannot exist."""
    text = b"2026-11-30\n\n" + b"\n".join(b"name%d.pl" % number for number in range(50)) + b"\n-.pl\n" + "\u2028.pl\n".encode()

    assert len(read("pl-deleted", text)) == 50


def test_names_are_made_a_labels() -> None:
    """Case, a dot at the end and spaces do not count; what is longer than a name can be is none."""
    text = f" Žlté.it. \n{'a.' * 130}it\n{'a' * 64}.it\nb.it\nc.it\nd.it\ne.it\n".encode()

    assert [listed.name for listed in read("it-drops-09", text)] == ["xn--lt-cja70d.it", "b.it", "c.it", "d.it", "e.it"]


def test_a_line_may_be_longest() -> None:
    """The bound is no byte less."""
    text = b"a.it" + b" " * (bounded_reader.LONGEST_LINE - 4) + b"\n"

    assert [listed.name for listed in read("it-drops-09", text)] == ["a.it"]
