"""Engines map one function over parts of the work; the results do not depend on which engine ran."""
