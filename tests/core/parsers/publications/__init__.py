"""Tests of the parsers of publications."""
