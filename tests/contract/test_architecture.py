"""The house rules: imports go one way (each rule is broken once on purpose), the drawing is true, every module says what it is.

A guard that nobody saw fail is no guard: so each contract of .importlinter is tried on a copy with one offending line.
"""

import ast
import configparser
import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import services
from shared.streams import DLQ_SUFFIX, STREAMS

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "shared", "deploy")
LINT = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(cache_dir=sys.argv[1]))"
TIMEOUT_S = 120

YOLOX = "shared/models/families/yolox.py"
SOLVE = "services/sampler/plan/solve.py"
NTH = "services/sampler/strategies/every_nth.py"
BREACHES = [
    ("trees", "shared/errors.py", "import services.sampler.config"),
    ("trees", "shared/imaging.py", "import deploy.native"),
    ("trees", "deploy/native/ports.py", "import services.embedded"),
    ("services", "services/sampler/service.py", "import services.uploader.outbox"),
    ("services", "services/embedded.py", "import services.cli"),
    ("services", "services/inference/service.py", "from services import embedded"),
    ("services", "services/newcomer/__init__.py", "import json"),
    ("shared", "shared/streams/ids.py", "import shared.ports.log"),
    ("shared", "shared/runtime/retry.py", "from shared.adapters.embedded import lock"),
    ("shared", "shared/newcomer.py", "import json"),
    ("shared", "shared/models/model.py", "import shared.streams.predictions"),
    ("shared", "shared/streams/ids.py", "from shared.models.sidecar import Sidecar"),
    ("adapters", "services/sampler/keeping.py", "from shared.adapters.embedded.file_images import FileImages"),
    ("adapters", "services/embedded.py", "import shared.adapters.cluster.redis_state"),
    ("backends", "shared/adapters/embedded/index.py", "import shared.adapters.cluster.redis_state"),
    ("servers", "services/feedback/server.py", "import redis"),
    ("servers", "shared/adapters/embedded/lock.py", "from kafka.errors import KafkaError"),
    ("servers", "deploy/native/ports.py", "import minio"),
    ("sqlite", "services/sampler/limits.py", "import sqlite3"),
    ("sqlite", "services/uploader/ledger.py", "from sqlite3 import connect"),
    ("sqlite", "shared/adapters/cluster/redis_state.py", "import sqlite3"),
    ("av", "services/sources/videos.py", "import av"),
    ("av", "services/cli/check.py", "from av import open"),
    ("strategies", NTH, "from shared.ports import State"),
    ("strategies", NTH, "import services.sampler.keeping"),
    ("strategies", NTH, "import shared.runtime.clock"),
    ("dice", NTH, "import random"),
    ("dice", NTH, "from datetime import UTC"),
    ("dice", NTH, "from time import time"),
    ("plans", SOLVE, "from shared.adapters.embedded import lock"),
    ("plans", SOLVE, "import shared.runtime.clock"),
    ("plans", SOLVE, "import random"),
    ("plans", "services/sampler/recent/track.py", "from time import time"),
    ("estimators", "services/feedback/accuracy/intervals.py", "import random"),
    ("estimators", "services/feedback/accuracy/review.py", "from shared.ports import Log"),
    ("estimators", "services/feedback/accuracy/review.py", "import sqlite3"),
    ("families", YOLOX, "import onnxruntime"),
    ("families", YOLOX, "from shared.models.model import Model"),
    ("families", YOLOX, "from shared.ports import Images"),
    ("families", YOLOX, "import time"),
    ("onnxruntime", "services/cli/check.py", "import onnxruntime"),
    ("onnxruntime", "services/inference/service.py", "from onnxruntime import InferenceSession"),
    ("deploy", "services/inference/service.py", "import deploy.native"),
    ("tests", "deploy/native/ports.py", "import tests.servers"),
]
"""(contract, file, the line that breaks it)."""


def lint(tree: Path, cache: Path) -> tuple[int, str]:
    """(exit status, what import-linter said) for a tree."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, str(cache)],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def contracts() -> dict[str, str]:
    """Name of each contract by its id."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    begin = "importlinter:contract:"
    return {section.removeprefix(begin): parser[section]["name"] for section in parser.sections() if begin in section}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree's Python files and its rules, to be broken."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / ".importlinter", tree)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=_all_but_python)
    return tree


def _all_but_python(folder: str, names: list[str]) -> list[str]:
    return [
        name for name in names if name == "__pycache__" or not (name.endswith(".py") or (Path(folder) / name).is_dir())
    ]


def test_the_tree_keeps_every_contract(tmp_path: Path) -> None:
    status, said = lint(ROOT, tmp_path)
    assert status == 0, said
    assert f"{len(contracts())} kept, 0 broken" in said


def test_every_contract_is_broken_once_on_purpose() -> None:
    assert {contract for contract, _, _ in BREACHES} == set(contracts())


@pytest.mark.parametrize(("contract", "file", "line"), BREACHES)
def test_a_breach_is_seen(copy: Path, contract: str, file: str, line: str) -> None:
    path = copy / file
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        status, said = lint(copy, copy / ".cache")
    finally:
        if before is not None:
            path.write_text(before, encoding="utf-8")
        elif path.name == "__init__.py":
            shutil.rmtree(path.parent)
        else:
            path.unlink()
    assert status == 1, said
    assert f"{contracts()[contract]} BROKEN" in " ".join(said.split())


# the drawing ---------------------------------------------------------------------------------------------------------
DRAWING = (services.__doc__ or "").partition("\n\n")[2]
MAIN_STREAMS = [name for name in STREAMS if not name.endswith(DLQ_SUFFIX)]
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/service.py"))


def test_the_drawing_names_every_stream_and_service() -> None:
    drawn = set(re.findall(r"[a-z]+", DRAWING))
    assert set(MAIN_STREAMS) <= drawn
    assert set(SERVICES) <= drawn


def test_every_arrow_of_the_main_line_is_one_of_the_streams() -> None:
    line = next(line for line in DRAWING.splitlines() if "frames ─▶" in line)
    stations = [station.strip() for station in line.split("─▶")]
    arrows = list(itertools.pairwise(stations))
    assert len(arrows) >= 7
    for here, there in arrows:
        assert here not in MAIN_STREAMS or there in STREAMS[here].read_by, f"{there} does not read {here}"
        assert there not in MAIN_STREAMS or here not in SERVICES or here in STREAMS[there].written_by


def test_streams_are_read_and_written_by_services_that_exist() -> None:
    outsiders = {"any producer", "any program", "any service", "gleaner dead-letters"}
    for stream in STREAMS.values():
        assert {*stream.written_by, *stream.read_by} <= {*SERVICES, *outsiders}


# the house -----------------------------------------------------------------------------------------------------------
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FOLDERS = {"services", "shared", "deploy", "tests", "docs", "clients", ".ci"}
FILES = {"docker-compose.yml", "Makefile", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"}
DOTFILES = {".importlinter", ".gitignore", ".dockerignore", ".env.example", ".gitattributes"}
LOCKS = {"requirements.lock", "requirements-dev.lock"}
MACHINE_PATH = re.compile(r"(?<![\w.${}-])/(home|root|work|Users)/[A-Za-z0-9._-]+")
NOT_THIS_MACHINE = ("deploy/Dockerfile",)
"""Files that name folders of a container, which is the same everywhere."""


def tracked() -> list[str]:
    """Files of the repository; what is not committed yet but not ignored either counts."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        pytest.skip(f"no git repository here: {done.stderr.strip()}")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_the_top_level_is_what_the_house_says() -> None:
    top = {name.partition("/")[0] for name in tracked()}
    assert top <= FOLDERS | FILES | DOTFILES | LOCKS
    assert {"services", "shared", "deploy", "tests", "docs", "Makefile", "LICENSE"} <= top


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, "expected a docstring: what it is and what it promises"
    assert docstring[0].isupper() or docstring[0] in "`" or docstring[0].isalnum()


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    found = []
    for name in tracked():
        if name.startswith(NOT_THIS_MACHINE) or Path(name).suffix in {".onnx", ".png", ".jpg", ".npz"}:
            continue
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        found += [f"{name}: {match.group()}" for match in MACHINE_PATH.finditer(text)]
    assert found == []
