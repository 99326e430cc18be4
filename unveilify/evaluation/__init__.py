"""Stage 4, first half: scores and times of every network on the test triplets."""
