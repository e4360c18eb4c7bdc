"""Tests of the room of publications."""
