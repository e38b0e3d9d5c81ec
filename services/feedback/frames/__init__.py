"""What applications publish: their frames and what their own models saw, from a request to the log."""
