"""Versions of a model: where they come from, the copies they are loaded from, and what each running service says it runs."""
