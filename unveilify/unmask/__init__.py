"""One photo, any number of faces: find the mask."""
