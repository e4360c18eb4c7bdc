"""Tests of what answers are read as."""
