"""One photo: find the face, align it, run a network, paste the result back."""
