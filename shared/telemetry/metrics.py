"""Every metric in one place, with what a rise means.

Promises: labels are bounded: service, stream, reason, strategy, outcome, the models that run, and a thousand sources; never a
frame id or free text.
"""

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter(
    "gleaner_records", "Records a service took in. A fall to zero with lag: it is stuck.", ["service", "stream"]
)
OUTPUTS = Counter("gleaner_outputs", "Records a service published, durable.", ["service", "stream"])
DEAD_LETTERS = Counter(
    "gleaner_dead_letters", "Records that will never work. A rise: a producer sends garbage.", ["service", "stream"]
)
BATCH_SECONDS = Histogram(
    "gleaner_batch_seconds", "Time of one batch, poll excluded. A rise: slower work.", ["service"]
)
PAUSED = Gauge(
    "gleaner_paused", "1 while a dependency is down and the service waits for it.", ["service", "dependency"]
)
PAUSES = Counter("gleaner_pauses", "How often a dependency made a service wait.", ["service", "dependency"])
LAG = Gauge("gleaner_lag_records", "Records behind the end. A rise: add replicas.", ["service", "stream"])
AGE = Gauge(
    "gleaner_age_seconds", "Age of the last record handled. Near the retention of frames: images expire.", ["service"]
)
COMMITS = Counter("gleaner_commits", "Commits by result: ok, fenced.", ["service", "result"])
REBALANCES = Counter("gleaner_rebalances", "Partitions that came and went.", ["service", "event"])
HALTED = Gauge(
    "gleaner_halted", "1 while a service stopped consuming because half of its records were dead letters.", ["service"]
)
DECISIONS = Counter(
    "gleaner_decisions", "What became of predictions: kept, not_drawn, limit, expired, unreadable, seen.", ["outcome"]
)
DRAWN = Counter("gleaner_drawn", "Frames drawn, by strategy (one frame may count for several).", ["strategy"])
VERDICTS = Counter("gleaner_verdicts", "Verdicts by kind.", ["kind"])
DELIVERIES = Counter(
    "gleaner_deliveries", "Deliveries by outcome. A rise of `failed`: look at the host.", ["destination", "outcome"]
)
OUTBOX = Gauge(
    "gleaner_outbox_pairs", "(sample, destination) pairs not delivered yet. A rise: the host or the link is slow."
)
REVISIONS = Counter("gleaner_revisions", "Verdicts that the sampler made into revisions, by kind.", ["kind"])
REFUSALS = Counter(
    "gleaner_refusals", "HTTP requests not taken, by reason. A rise of unavailable: look at log and state.", ["reason"]
)
LATE = Counter(
    "gleaner_late", "Predictions served though too old to know whether they are repeats. A rise: somebody rewinds."
)
SOURCES = Gauge("gleaner_sources", "Cameras by state. A rise of `down`: look at `gleaner status`.", ["state"])
SOURCE_EVENTS = Counter(
    "gleaner_source_events",
    "Changes of cameras: opened, recovered, lost, hung, silent, frozen, moving, resized, ended. A rise of lost: the network.",
    ["event"],
)
SOURCE_PICTURES = Counter(
    "gleaner_source_pictures",
    "Pictures of cameras: published, dropped (the log is slow or down), refused (unusable). A rise of dropped: a slow log.",
    ["outcome"],
)
MODEL_INFO = Gauge(
    "gleaner_model_info", "1 for the version of each model that runs here.", ["model_id", "version", "role"]
)
MODEL_SWAPS = Counter(
    "gleaner_model_swaps",
    "Versions that were loaded at the start, swapped in or refused. A rise of refused: look at `gleaner models list`.",
    ["model_id", "outcome"],
)
MODEL_REFUSED = Gauge(
    "gleaner_model_refused", "1 while the newest version cannot work and an older one goes on.", ["model_id"]
)
FRAMES_SKIPPED = Counter(
    "gleaner_frames_skipped",
    "Frames that inference left out, by source (the first thousand; the rest together) and reason. A rise of too_old: it "
    "is slower than the cameras.",
    ["source", "reason"],
)
SETTINGS_INFO = Gauge("gleaner_settings_info", "1 for the version of the settings in force.", ["service", "version"])
SETTINGS_CHANGES = Counter(
    "gleaner_settings_changes",
    "Changes of the settings file while a service ran: taken, refused.",
    ["service", "outcome"],
)
SETTINGS_REFUSED = Gauge(
    "gleaner_settings_refused",
    "1 while the settings file cannot be taken up and the old settings go on: look at `gleaner check`.",
    ["service"],
)
ACCURACY_ALERT = Gauge(
    "gleaner_accuracy_alert",
    "1 while a rate certainly is past its limit in the settings. A rise: look at /v1/accuracy or `gleaner report`.",
    ["rate", "source", "class_name", "model_id", "version"],
)
