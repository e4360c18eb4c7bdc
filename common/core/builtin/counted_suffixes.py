"""The top-level domains with the most names, and those of them of whose life cycle nothing trustworthy is published.

No registry-independent count of registrations exists: ccTLD registries publish their own, at different times, or none. The
order is that of the registered domains that one web crawl met, which leaves out names without a web site. A table of
`lifecycles` says what is known of each; what is not known stays so, and is learned from the transitions that are observed.
"""

from __future__ import annotations

from common.core.builtin.tlds import split_words

#: Where `COUNTED` comes from, and when the crawl was made.
SOURCE, AS_OF = "Common Crawl statistics, registered domains by top-level domain, CC-MAIN-2024-42", "2024-10"
#: Those with at least 0.05 % of the pages of the crawl, by their registered domains in it, in thousands. Not open to the
#: public, and left out: .edu and .gov.
COUNTED = {
    suffix: int(count)
    for suffix, _, count in sorted(
        (
            row.partition(":")
            for row in split_words(
                """
                com:21725 de:2693 org:1737 net:1323 ru:1269 uk:1006 nl:917 fr:838 jp:799 it:718 cn:678 pl:666 br:516 au:484
                ca:406 ch:395 cz:391 eu:342 es:326 be:300 se:281 at:265 in:258 info:250 dk:236 io:220 co:204 hu:180 ro:174
                kr:166 gr:152 id:145 fi:145 vn:141 no:136 sk:129 za:124 xyz:124 tr:124 ar:116 ua:113 top:112 nz:108 app:104
                tw:103 ir:103 pt:101 mx:100 us:97 me:93 cl:93 online:88 biz:84 cc:80 il:79 shop:77 ie:63 lt:62 si:52 pro:50
                hr:48 my:46 by:46 ee:46 ai:45 rs:42 tv:39 kz:38 store:37 sg:36 club:36 hk:34 lv:32 th:32 bg:32 nu:29 cat:26
                pe:25 ae:23 pk:22 su:22 ph:18 is:18 ng:17 az:9 fm:9 news:8
                """
            )
        ),
        key=lambda row: (-int(row[2]), row[0]),
    )
}
#: Large by what their registries say, below the bound of the crawl: names are parked, or cheap and short-lived.
FURTHER = split_words("tk site dev vip live cloud tech icu asia mobi sbs website xn--p1ai")
#: Nothing trustworthy was found of their phases: rules are not published, or only by resellers who contradict each other.
UNPUBLISHED_SUFFIXES = split_words(
    """
    at ro gr vn id za ar tw ir pt mx cl il si hr my by rs kz sg lv th bg pe ae pk ph is ng az tk fm
    """
)
#: Countries in which most names are registered a level below: the suffix that has most of them. Each suffix is asked at a pace
#: of its own, also where several share their name servers.
_BELOW = {
    "uk": "co.uk", "br": "com.br", "au": "com.au", "nz": "co.nz", "za": "co.za", "mx": "com.mx", "tr": "com.tr", "ar": "com.ar",
    "ua": "com.ua", "il": "co.il",
}  # fmt: skip
#: The suffixes below which most names of the biggest top-level domains are registered.
BIGGEST_SUFFIXES = frozenset(_BELOW.get(tld, tld) for tld in (*COUNTED, *FURTHER))
