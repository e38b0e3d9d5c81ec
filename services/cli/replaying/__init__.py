"""What `gleaner replay` shows: counts of both settings beside each other, what is gained and lost, and a picture of it."""
