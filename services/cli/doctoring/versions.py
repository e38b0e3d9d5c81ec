"""Versions: what is installed here, and on what kind of machine."""

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from services.cli.doctoring.finding import Finding, ok, warning
from services.inference.config import cores
from shared.settings import Settings

PACKAGE = "gleaner-vision"
PACKAGES = (
    "av",
    "crc32c",
    "fastapi",
    "hiredis",
    "httpx",
    "kafka-python",
    "minio",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "prometheus-client",
    "pydantic",
    "PyYAML",
    "redis",
    "uvicorn",
)
CLASHING = ("opencv-python", "opencv-contrib-python")
LITTLE_MEMORY = 1_000_000_000
MISSING = "missing"


def versions(settings: Settings) -> Iterator[Finding]:
    """Needs no settings."""
    told = facts()
    yield ok("gleaner", f"{told['gleaner']} on Python {told['python']}")
    yield ok("machine", f"{told['system']}; {told['cores']} cores, {told['memory_gb']} GB of memory")
    missing = [name for name in PACKAGES if told[name] == MISSING]
    if missing:
        todo = f"pip install '{PACKAGE}[cli]', unless this machine runs a part of it alone"
        yield warning("packages", f"missing: {', '.join(missing)}", todo)
    else:
        yield ok("packages", ", ".join(f"{name} {told[name]}" for name in PACKAGES))
    clashing = [name for name in CLASHING if _version(name) != MISSING]
    if clashing:
        todo = f"pip uninstall {' '.join(clashing)} opencv-python-headless && pip install opencv-python-headless"
        yield warning("packages", f"{', '.join(clashing)} overwrites files of opencv-python-headless", todo)
    if 0 < _memory_bytes() < LITTLE_MEMORY:
        yield warning("machine", "less than 1 GB of memory", "keep to a small model and few cameras")


def facts() -> Mapping[str, str]:
    """Name → version; nothing of it is anybody's secret."""
    return {
        "gleaner": _version(PACKAGE),
        "python": f"{platform.python_version()} ({platform.python_implementation()}, {sys.platform})",
        "system": f"{_distribution()}, kernel {platform.release()}, {platform.machine()}{_container()}",
        "cores": str(cores()),
        "memory_gb": f"{_memory_bytes() / 1e9:.1f}",
        **{name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return MISSING


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _container() -> str:
    there = (
        Path("/.dockerenv").exists() or Path("/run/.containerenv").exists() or "KUBERNETES_SERVICE_HOST" in os.environ
    )
    return ", in a container" if there else ""


def _memory_bytes(limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """The machine's, or its container's share of it (cgroup v2)."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        share = limit.read_text(encoding="ascii").strip()
    except OSError:
        return whole
    return min(whole, int(share)) if share.isdigit() else whole
