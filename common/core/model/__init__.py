"""The types in which the rooms of the core speak of names, answers, queries and what is stored.

Types without decisions, imported by every room above: `evidence` is what was observed, `records` what is stored, `entry` a
loaded name, `query` and `batch` what is under way, `effects` what the host of the core has to do. The room owns no state, and
each module is its own door.
"""
