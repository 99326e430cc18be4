"""Stage 1: from photos to face crops with drawn masks, part by part."""
