"""Tests of what each registrar's answers are read as."""
