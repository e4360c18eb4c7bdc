"""Which names are watched? It parses domain lists, holds back one that looks like an accident, and computes what it changes.

It owns the state of the list that is being read or held back. It must not know what is known of a name or when it is checked.
"""
