"""What people say about predictions: from a request to the log."""
