"""Read model: what the API answers about samples, verdicts, uploads and accuracy, from one SQLite file (`database.py`).

Promises: a projection of `samples`, `verdicts`, `uploads` and `tallies`, never the truth: deleting the file loses nothing.
"""

from services.feedback.read_model.model import ReadModel

__all__ = ["ReadModel"]
