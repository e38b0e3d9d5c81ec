"""What was predicted, and whether its frame is still there: random reads of the log for many callers at once."""
