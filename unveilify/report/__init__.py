"""Stage 4, second half: tables, figures and the page."""
