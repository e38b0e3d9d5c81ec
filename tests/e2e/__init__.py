"""End to end: frames in, a dataset out, through all four services as processes, in both modes."""
