"""The catalogue of pretrained networks: where each comes from, its hash, its licence, who needs it."""

from unveilify.weights.catalogue import ENTRIES, FINDER, PLACE, SHIPPED, Entry, entry
from unveilify.weights.store import Missing, cache, fetch, locate, places

__all__ = ["ENTRIES", "FINDER", "PLACE", "SHIPPED", "Entry", "Missing", "cache", "entry", "fetch", "locate", "places"]
