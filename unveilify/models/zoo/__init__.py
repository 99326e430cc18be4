"""One file per network or untrained baseline; its file name is its public name."""
