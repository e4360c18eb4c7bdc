"""Measurements of what happens once for every check. Run with `make bench`."""
