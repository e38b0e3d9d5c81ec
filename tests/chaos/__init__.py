"""Chaos: services killed after every step, servers stopped in mid-run. Nothing chosen may be lost, nothing sent twice."""
