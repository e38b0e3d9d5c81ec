"""The ports' promises as tests, run on every adapter: one suite, two backends."""
