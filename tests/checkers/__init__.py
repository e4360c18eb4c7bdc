"""Tests of checkers."""
