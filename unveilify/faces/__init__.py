"""Find faces, align them, and judge whether they are good enough."""
