"""Draw face masks that follow the face: what, how worn, in which light."""
