"""Read model: what the API answers about samples, verdicts, uploads and accuracy, from one SQLite file (`database.py`).

Promises: a projection of `samples`, `verdicts`, `uploads` and `tallies`, never the truth: deleting the file loses nothing.
"""

from services.feedback.read_model.model import ReadModel
from services.feedback.read_model.progress import Progress
from services.feedback.read_model.reviews import Version

__all__ = ["Progress", "ReadModel", "Version"]
