"""Stage 2: identity-disjoint splits, deterministic WebDataset tars, their index, and the stream that reads them."""
