"""Split a WHOIS answer into lines, and replace the names in a line to get its shape.

The other modules of this package work line by line on the bounded text, so parsing takes linear time.
"""

from __future__ import annotations

import re
import unicodedata

#: Bounds of what is parsed: characters of the answer, lines, characters of a line.
TEXT_LIMIT, LINE_COUNT, LINE_LIMIT = 262_144, 2_000, 1_000
#: Longest line that can be a statement about the name, in characters; legal paragraphs are longer.
SENTENCE_LIMIT = 240

_MARKUP = re.compile(r"<[^<>]{0,400}>")
_ROW_END = re.compile(r"<(?:/tr|/p|/h\d|br|hr|/option|/title|/style)[^<>]{0,20}>", re.IGNORECASE)
_ENTITIES = (("&nbsp;", " "), ("&gt;", ">"), ("&lt;", "<"), ("&quot;", '"'), ("&#39;", "'"), ("&eacute;", "é"), ("&amp;", "&"))
_HOST = re.compile(r"[\"'`(\[<]{0,3}(?<![\w-])((?:[\w-]{1,63}\.){1,10}[^\W\d_][\w-]{1,62})(?![\w-])\.?[\"'`)\]>]{0,3}")
#: Characters with which comments, banners and list items begin.
LEADERS = "%#;*>-!=~ \t"
#: Characters that end a sentence without belonging to it.
STOPS = " .!<*,"
#: Prose is at least this long, and ends a sentence with one of these.
_PROSE, _STOPS = 36, ".!?:])"
_COMMENTS = frozenset("%#;")
#: Typographic marks and blanks -> their ASCII equivalents; characters without width -> nothing.
_MARKS = tuple(
    (mark, plain)
    for plain, marks in (
        ("'", "\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc\uff07"),
        ('"', "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\uff02\u300c\u300d"),
        ("-", "\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"),
        (" ", "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"),
        ("", "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"),
        (":", "\uff1a"), ("!", "\uff01"), (",", "\uff0c"), (".", "\u3002\uff0e"), ("...", "\u2026"),
    )
    for mark in marks
)  # fmt: skip


def split_lines(text: str) -> list[str]:
    """The bounded lines of an answer, without line ends, in NFC. HTML pages become their text, one table row a line."""
    text = text[:TEXT_LIMIT].replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if not text.isascii():
        for mark, plain in _MARKS:
            if mark in text:
                text = text.replace(mark, plain)
        text = unicodedata.normalize("NFC", text)
    if "<" in text[:2000] and is_markup(text):
        text = _MARKUP.sub(" ", _ROW_END.sub("\n", text))
    if "&" in text:
        for entity, character in _ENTITIES:
            text = text.replace(entity, character)
    return [line[:LINE_LIMIT] for line in text.split("\n", LINE_COUNT)[:LINE_COUNT]]


def collapse_blanks(text: str) -> str:
    """A text with single blanks, and none before a colon: the form in which lines of all servers are compared."""
    return " ".join(text.split()).replace(" :", ":")


def collapse_lines(text: str) -> str:
    """Like `collapse_blanks`, for a text of many lines, whose line ends are kept."""
    text = text.replace("\t", " ")
    while "  " in text:  # each time half as many
        text = text.replace("  ", " ")
    return text.replace(" :", ":")


def is_markup(text: str) -> bool:
    """Whether an answer is an HTML page."""
    head = text[:2000].lower()
    return "<html" in head or "<!doctype" in head


#: Names that documents use as examples and that exist: a query about them is a real one (RFC 2606 section 3).
_REAL_EXAMPLES = frozenset({"example.com", "example.net", "example.org"})
#: Top-level domains that are delegated in two scripts as variants of each other: a name exists in both or in neither.
_VARIANTS = ((".台湾", ".台灣"), (".台灣", ".台湾"), (".中国", ".中國"), (".中國", ".中国"))


class Subject:
    """The name asked for, in all the forms in which a server may print it.

    `strict`: the name is a registrable one that was really asked for. Recordings are read less strictly: a placeholder
    (`anything`) stands for the name that the answer is about, and the record of a name above covers the names below it.
    """

    __slots__ = ("anything", "forms", "label", "name", "scripts", "strict")

    def __init__(self, domain: str, *, strict: bool = True) -> None:
        self.name = domain.strip().strip(".").lower()[:253]
        self.label = self.name.partition(".")[0]
        self.strict = strict
        self.anything = not strict and self.label == "example" and self.name not in _REAL_EXAMPLES
        self.forms = {self.name}
        if "xn--" in self.name:
            self.forms.add(_decode_alabels(self.name))
            self.label = _decode_alabels(self.label)
            self.forms.update({form[: -len(one)] + two for form in self.forms for one, two in _VARIANTS if form.endswith(one)})
        self.scripts = [form for form in self.forms if not form.isascii()]

    def is_named(self, word: str) -> bool:
        """Whether a printed name is the name asked for: case, a last dot and the IDN form do not matter."""
        word = word.strip("\"'`()[]<>,;").rstrip(".").lower()
        if self.anything or word in self.forms:
            return bool(word)
        return not word.isascii() and _encode_alabels(word) == self.name

    def is_covered_by(self, word: str) -> bool:
        """Whether a printed name is one above the name asked for, in a recording; in a live answer that is a suffix."""
        return not self.strict and "." in word and self.name.endswith("." + word.lower())

    def is_label(self, word: str) -> bool:
        """Whether a printed word is the first label of the name asked for; some servers leave the suffix away."""
        word = word.strip("\"'`()").lower()
        return bool(word) and (self.anything or word == self.label)


def _decode_alabels(name: str) -> str:
    """A name with its A-labels decoded, label by label; a label that cannot be decoded is left unchanged."""
    words = []
    for label in name.split("."):
        try:
            words.append(label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label)
        except (UnicodeError, ValueError):
            words.append(label)
    return ".".join(words)


def _encode_alabels(name: str) -> str:
    """A printed name with its labels encoded by Punycode. It is only compared, never sent, so it is not validated."""
    try:
        return ".".join(w if w.isascii() else "xn--" + w.encode("punycode").decode("ascii") for w in name[:253].split("."))
    except (UnicodeError, ValueError):
        return name


class SentenceShape:
    """A sentence with `{}` in place of each name: `No match for "EXAMPLE.COM".` becomes `no match for {}`.

    `named`: one of the names is the name asked for; `foreign`: one is another name.
    """

    __slots__ = ("foreign", "named", "text")

    def __init__(self, line: str, subject: Subject) -> None:
        self.foreign = False
        self.named = False
        low = collapse_blanks(line[:SENTENCE_LIMIT].strip(LEADERS).lower())
        if not low.isascii():
            low = self._cut_script(low, subject)

        def replace_name(match: re.Match[str]) -> str:
            if subject.is_named(match[1]):
                self.named = True
            else:
                self.foreign = True
            return "{}"

        low = _HOST.sub(replace_name, low)
        if not self.named and not self.foreign:
            low = self._cut_bare_label(low, subject)
        self.text = low.rstrip(STOPS).lstrip(LEADERS)

    def _cut_script(self, low: str, subject: Subject) -> str:
        """Replace the name asked for in its own script, whose vowel signs do not count as letters in a pattern."""
        for form in subject.scripts:
            before, found, after = low.partition(form)
            if found and not before[-1:].isalnum() and not after[:1].isalnum() and before[-1:] not in {".", "-"}:
                self.named = True
                low = before.rstrip("\"'`([<") + "{}" + after.lstrip("\"'`)]>.")
        return low

    def _cut_bare_label(self, low: str, subject: Subject) -> str:
        """Replace a name that is printed without its suffix, at the end or joined to the front."""
        head, _, last = low.rpartition(" ")
        if head.startswith("no match") and subject.is_label(last):
            self.named = True
            return head + " {}"
        if low == subject.label + "not found":
            self.named = True
            return "not found"
        return low


def runs_on(line: str, following: str) -> bool:
    """Whether the next line continues this one: wrapped legal prose, in which any word may begin a line."""
    text = line.strip(LEADERS)
    if len(text) < _PROSE or text[-1] in _STOPS or text.count(" ") < 4 or ": " in text[:30]:
        return False
    if line[:1] != following[:1] and {line[:1], following[:1]} & _COMMENTS:
        return False
    return not {".", "/", "@"} & set(text.rpartition(" ")[2])
