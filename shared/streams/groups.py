"""Which group (a service's name) commits which streams, in the order of the flow."""

READS: dict[str, tuple[str, ...]] = {
    "inference": ("frames",),
    "sampler": ("predictions", "verdicts"),
    "uploader": ("samples",),
}
