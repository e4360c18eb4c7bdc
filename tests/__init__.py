"""Tests, mirroring the tree; `lab` is a small internet of real servers, `lab_tests` keeps it honest."""
