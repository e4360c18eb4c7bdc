"""The hundred biggest suffixes by registered names: their name servers answer most of what is asked of all registries.

Sources, for the state of 2025: Verisign's Domain Name Industry Brief (the ten biggest), the monthly registry reports that ICANN
publishes (generic ones), and the figures on the pages of country registries and in CENTR's and LACTLD's reports. No order
is meant; which suffixes are the last of a hundred is a judgement, and nothing but a pace that may be tried depends on it. Of
several suffixes on the same name servers (uk and co.uk) only the one with most names is listed: each has a pace of its own.
"""

from __future__ import annotations

from common.core.builtin.tlds import split_words

#: When the list was put together.
READ = "2026-11"
BIGGEST_SUFFIXES = split_words(
    """
    com net org info biz mobi pro name asia tel
    cn de co.uk nl ru com.br fr eu it com.au ca pl ch in es us jp be se dk at cz co ir kr com.mx com.tr com.ar cl pt no co.nz
    co.za hu ro fi com.ua gr sk co.id vn tw my ng hk sg ie lt by kz co.il rs hr si ee lv bg lu pe
    tv cc me io ai ws
    xyz top shop online store site icu vip club app dev live cloud website space tech fun work world life today link click
    email sbs
    """
)
