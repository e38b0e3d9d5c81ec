"""The recent past of each source: tracks, counts, and what has just happened to them. Pure and bounded."""
