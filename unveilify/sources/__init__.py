"""Photos and the people they are filed under: one file per folder layout."""
