"""The room of the watchlist: which names are watched.

Owns the state of the domain list. `domain_list` parses its entries, `list_diff` compares it with what is watched, and `Intake`
is the door that takes the difference over.
"""
