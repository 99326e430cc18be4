"""What networks are built from; not plugins."""
