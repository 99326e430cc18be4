"""Landmark backends: one file each."""
