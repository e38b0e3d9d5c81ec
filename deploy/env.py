"""`make env`: the secrets and folders that docker-compose.yml needs. Needs nothing but Python.

Promises: what `.env` already says stays as it is, so that running it again changes no secret; only its owner may read the
file; the dataset's folder belongs to the user as whom the uploader runs, who is never root.
"""

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

UNPRIVILEGED_ID = 10_001  # the images' own user
FOLDERS = {"GLEANER_DATASET": "dataset", "GLEANER_MODELS": "models", "GLEANER_CLIPS": "clips"}


def wanted() -> dict[str, Callable[[], str]]:
    """Every variable without a default, and how its value is made."""
    return {
        "GLEANER_SALT": lambda: secrets.token_hex(32),
        "GLEANER_API_KEY": lambda: secrets.token_urlsafe(24),
        "GLEANER_S3_ACCESS_KEY": lambda: secrets.token_hex(8),
        "GLEANER_S3_SECRET_KEY": lambda: secrets.token_urlsafe(32),
        "GLEANER_UID": lambda: str(os.getuid() or UNPRIVILEGED_ID),
        "GLEANER_GID": lambda: str(os.getgid() or UNPRIVILEGED_ID),
    }


def complete(env_file: Path) -> list[str]:
    """Adds what is missing to the file. Returns the names that were added."""
    known = read(env_file)
    missing = {name: make() for name, make in wanted().items() if not known.get(name)}
    if missing:
        append(env_file, missing)
    return list(missing)


def read(env_file: Path) -> dict[str, str]:
    """NAME=VALUE lines; everything else is a comment."""
    lines = env_file.read_text(encoding="utf-8").splitlines() if env_file.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def append(env_file: Path, values: dict[str, str]) -> None:
    """At the end of the file, which is made for its owner alone."""
    descriptor = os.open(env_file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        if env_file.stat().st_size and not env_file.read_bytes().endswith(b"\n"):
            file.write("\n")
        file.writelines(f"{name}={value}\n" for name, value in values.items())


def make_folders(root: Path, known: dict[str, str]) -> None:
    """The mounted folders; the engine would make them as root's. Of a root user's, the dataset's goes to the images' user."""
    for name, usual in FOLDERS.items():
        folder = root / (known.get(name) or usual)
        folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0 and name == "GLEANER_DATASET":
            os.chown(folder, int(known["GLEANER_UID"]), int(known["GLEANER_GID"]))


def main(root: Path) -> None:
    env_file = root / ".env"
    added = complete(env_file)
    make_folders(root, read(env_file))
    print(f"{env_file}: added {', '.join(added)}" if added else f"{env_file} has everything; nothing was changed")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd())
