"""Privacy: what must not be seen is taken out of a frame before anything of it is stored, or nothing of it is.

Masks per source, the boxes of given classes, and what a second model finds. Image, preview, neighbours and what verdicts keep
all go through one `Veil`; what cannot be hidden for certain is withheld.
"""
