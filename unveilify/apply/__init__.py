"""Take a trained network elsewhere."""
