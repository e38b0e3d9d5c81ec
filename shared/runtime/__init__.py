"""WHEN: the one loop (worker), and what surrounds it: retry, dead letters, deadlines, lifecycle, health."""
