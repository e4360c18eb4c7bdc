"""Tests of one room of the core."""
