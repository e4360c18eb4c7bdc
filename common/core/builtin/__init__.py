"""What we know beforehand, as data: how registries behave, before anything was seen of them.

Each row names its source and its date. What is observed overrules it: a table may say what to expect, never what is.
"""
