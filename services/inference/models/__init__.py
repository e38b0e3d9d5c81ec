"""A model as it runs: its files and their version, what runs it on this machine, and where other versions come from."""
