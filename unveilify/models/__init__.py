"""Networks and rivals: one file each."""
