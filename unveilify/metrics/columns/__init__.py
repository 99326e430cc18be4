"""One file per metric; its file name is its public name."""
