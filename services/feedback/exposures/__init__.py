"""What people were shown: from a request to the log, and drawn to be held."""
