"""Tests of the health of channels, and of drops while channels are dead."""
