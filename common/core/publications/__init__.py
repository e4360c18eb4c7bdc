"""The room of publications: what lists and zones that registries publish say about watched names.

Owns which names stood in which publication at its last reading. The reader of publications, a process of its own, uses the
pure half: `catalogue` (which publications concern a watch list), `next_reading` (when to read one), `guard` (whether a
reading looks like an accident). Its door for the coordinator is `Joins`, which applies readings to the watched names.
"""
