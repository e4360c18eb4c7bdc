"""Tests of the health of channels, and of canaries asked before they are needed."""
