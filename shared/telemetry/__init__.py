"""Logs and metrics: what an engineer reads at night."""
