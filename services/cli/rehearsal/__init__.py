"""What `gleaner run --dry-run` is made of: a run in a temporary folder, what came of it, and how that is shown."""
