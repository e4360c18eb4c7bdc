"""What is known beforehand, as data? How registries, suffixes and servers behave, before anything was observed.

It owns tables whose rows name their source and date. It must not know what was observed, which overrules every row: a table
may say what to expect, never what is.
"""
