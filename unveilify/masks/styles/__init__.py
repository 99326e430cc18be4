"""Mask styles: one file each."""
