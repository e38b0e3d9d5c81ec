"""Deploy: how Gleaner is packaged, started natively, and demonstrated."""
