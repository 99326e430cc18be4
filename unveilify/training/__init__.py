"""Stage 3: losses, the loop, and state that resumes exactly."""
