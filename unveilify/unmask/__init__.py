"""One photo, any number of faces: find the mask, place what is known, paint, paste back."""
