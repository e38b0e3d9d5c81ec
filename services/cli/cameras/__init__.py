"""What `gleaner sources` shows and writes: cameras looked at, what they cost, their pictures, their lines in the settings."""
