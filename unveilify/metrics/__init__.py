"""Measures of an output against the truth: one file each."""
