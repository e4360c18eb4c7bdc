"""XML from untrusted servers (XML 1.0, Namespaces in XML): bounded in bytes, depth, elements and names, without any DTD."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

#: Deepest nesting and most elements accepted. An EPP answer about fifty names has eight levels and some hundred elements.
MAX_DEPTH, MAX_ELEMENTS = 32, 8192
#: Most characters from one "<" to the next: no tag and no text is longer.
MAX_PIECE = 4096
#: Longest name of an element with its namespace, in characters. A prefix of one letter stands for a whole namespace, so that
#: a small document could otherwise become many large names.
MAX_NAME = 300


def parse_bounded_xml(data: bytes, limit: int) -> Element:
    """The root of a UTF-8 document of at most `limit` bytes. Raises ValueError, and nothing else, for everything refused.

    Refused are texts that are longer, not UTF-8 or not well-formed, that exceed MAX_DEPTH, MAX_ELEMENTS, MAX_PIECE or MAX_NAME,
    and any document type declaration: with it go entities and everything outside of the document.
    """
    if len(data) > limit:
        raise ValueError(f"{len(data)} bytes, at most {limit}")
    text = data.decode("utf-8-sig", errors="strict")
    if any(len(piece) > MAX_PIECE for piece in text.split("<")):
        raise ValueError(f"a tag or a text of more than {MAX_PIECE} characters")
    # The encoding that the document itself names does not count: it has been decoded.
    parser = DefusedXMLParser(target=_BoundedBuilder(), encoding="utf-8", forbid_dtd=True)
    try:
        parser.feed(text.encode())
        return parser.close()
    except ParseError as error:
        raise ValueError(f"no well-formed XML: {error}") from None
    except DefusedXmlException:
        raise ValueError("a document type declaration") from None


class _BoundedBuilder(TreeBuilder):
    """Builds the tree, and ends it where it grows too deep or too large."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._count = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise ValueError(f"deeper than {MAX_DEPTH} levels or more than {MAX_ELEMENTS} elements")
        if any(len(name) > MAX_NAME for name in (tag, *attrs)):
            raise ValueError(f"a name of more than {MAX_NAME} characters")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def local_name(element: Element) -> str:
    """The name of an element without its namespace, whatever its prefix is."""
    return element.tag.rpartition("}")[2]


def namespace_of(element: Element) -> str:
    """The namespace of an element; "" where it is in none."""
    return element.tag.rpartition("}")[0].removeprefix("{")


def find_children(element: Element | None, name: str) -> list[Element]:
    """The children of this local name, in their order; [] for no element."""
    return [] if element is None else [child for child in element if local_name(child) == name]


def find_child(element: Element | None, *path: str) -> Element | None:
    """The first descendant on a path of local names, one a level; None where a step is missing."""
    for name in path:
        element = next(iter(find_children(element, name)), None)
    return element


def read_text(element: Element | None, limit: int = 300) -> str:
    """The text directly in an element, blanks collapsed, at most `limit` characters; "" for no element."""
    return "" if element is None else " ".join((element.text or "").split())[:limit]
