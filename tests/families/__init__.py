"""Model files of each family with what the family's own code said of them: `make_*.py` make them, the contract suite asks."""
