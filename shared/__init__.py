"""What the services have in common; it knows no service.

streams (what flows) · ports (what we need of the world) · adapters (how we get it) · runtime (when: the one loop) ·
models (exported models, to be run by any service).
"""
