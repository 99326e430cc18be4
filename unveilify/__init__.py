"""unveilify: from a folder of face photos to masked pairs, shards, a trained network and a metrics table."""

__version__ = "0.1.0"
