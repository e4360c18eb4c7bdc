"""Find the query as a server repeats it: which name an answer is about where its free line prints none.

RIPE's software prints "Information related to 'NAME'", AFNIC "[address REQUEST] >> NAME", others "WHOIS NAME", "query: NAME" or
"Searching for NAME". If that is not the name asked for, the whole answer is about another name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from common.core.parsers.whois.lines import LEADERS, SentenceShape, Subject

#: Lines searched, from the first, and the longest that repeats a query, in characters.
_MOST, _LONGEST = 60, 300
_ECHO = re.compile(
    r"(?:\[[^\[\]]{1,60} ?request\] >> (?:-\w{1,20} (?:md[\d.]{1,8} )?){0,4}|information related to:? ?|whois:? "
    r"|whois (?:query|lookup) (?:for|of):? |quer(?:y|ied|ying)(?: (?:for|string|name))?:? |you queried for "
    r"|search(?:ing|ed)?(?: for)?:? |look-?up(?: of| for)?:? |results? (?:of|for):? |your (?:query|request):? "
    r"|request(?:ed)?(?: for)?:? )\{\}"
)


def names_another(lines: Sequence[str], subject: Subject) -> bool:
    """Whether the query that an answer repeats was about another name under the same top-level domain."""
    tops = {form.rpartition(".")[2] for form in subject.forms}
    for line in lines[:_MOST]:
        text = line.strip(LEADERS)
        if "." not in text or len(text) > _LONGEST or not any(top in text.lower() for top in tops):
            continue
        shape = SentenceShape(line, subject)
        if shape.foreign and not shape.named and _ECHO.fullmatch(shape.text):
            printed = text.strip("\"'`()[]<>,;. ").lower()
            if any(printed.endswith("." + top) for top in tops):
                return True
    return False
