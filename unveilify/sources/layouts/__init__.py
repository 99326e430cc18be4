"""One file per source layout; its file name is its public name."""
