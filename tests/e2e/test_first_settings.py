"""`gleaner init` and `gleaner doctor` as a newcomer types them: what the file is good for, what the page says while all runs,
and places that cannot be written or read.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.unit.shared.models.built_models import detector

ROOT = Path(__file__).parents[2]
LIBC = ctypes.CDLL(None)
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
DEADLINE_S = 60


def gleaner(folder: Path, *words: str, most_bytes: int | None = None) -> "Ran":
    """The command in a folder, with no right to pass over permissions; `most_bytes`: no file may be larger."""

    def limits() -> None:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # who is not root has none of them anyway
        if most_bytes is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.run(
        [sys.executable, "-m", "services", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        preexec_fn=limits,
    )


Ran = subprocess.CompletedProcess[str]


@contextmanager
def serving(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """`gleaner run` without arguments, until the block ends; it must stop in peace."""
    process = subprocess.Popen(
        [sys.executable, "-m", "services", "run"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = next((line for line in process.stderr if "partitions.assigned" in line), "")
        assert said, "expected the services to join"
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(40) == 0


def answer(url: str) -> int:
    """The status, once something answers there."""
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return int(response.status)
        except OSError:
            assert time.monotonic() < deadline_s, f"no answer at {url}"
            time.sleep(0.1)


def check_looked_at(folder: Path) -> None:
    """The doctor finds nothing wrong with what runs, and does not stop it."""
    looked = gleaner(folder, "doctor", "--json", "--bundle", "report.zip")
    found = {one["looked_at"]: one for one in json.loads(looked.stdout)["findings"]}
    assert looked.returncode == 0, looked.stdout
    assert "a gleaner answers" in found["feedback's port"]["found"]
    assert "a gleaner answers" in found["health's port"]["found"]
    assert {found[name]["state"] for name in ("log", "streams", "state store", "image buffer", "model")} == {"ok"}
    assert "last stop" not in found, "it runs"
    assert (folder / "report.zip").is_file()


def test_init_then_run_without_arguments_serves(tmp_path: Path) -> None:
    detector(tmp_path / "best.onnx")
    ran = gleaner(tmp_path, "init")
    assert ran.returncode == 0, ran.stderr
    assert "wrote gleaner.yaml" in ran.stdout
    told = yaml.safe_load((tmp_path / "gleaner.yaml").read_text())
    with serving(tmp_path):
        assert answer(f"http://127.0.0.1:{told['health']['port']}/livez") == 200
        check_looked_at(tmp_path)
        again = gleaner(tmp_path, "init", "--force")
        assert again.returncode == 0
        new = yaml.safe_load((tmp_path / "gleaner.yaml").read_text())
        assert new["health"]["port"] != told["health"]["port"], "that one is taken now"
        assert new["feedback"]["port"] != told["feedback"]["port"]
    assert (tmp_path / told["backend"]["folder"]).is_dir()


def test_the_settings_that_were_written_pass_the_check(tmp_path: Path) -> None:
    detector(tmp_path / "best.onnx")
    gleaner(tmp_path, "init", "/dev/video0")
    told = json.loads(gleaner(tmp_path, "check", "--json").stdout)
    assert (told["problems"], told["notes"]) == ([], [])


def test_no_permission_on_the_folder_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    ran = gleaner(tmp_path, "init")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
    assert "cannot write gleaner.yaml: Permission denied" in ran.stderr


def test_a_full_disk_is_a_sentence_and_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "gleaner.yaml").write_text("site: mine\n")
    ran = gleaner(tmp_path, "init", "--force", most_bytes=100)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
    assert "cannot write gleaner.yaml" in ran.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"gleaner.yaml": "site: mine\n"}


def test_settings_that_may_not_be_read_are_a_line_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "gleaner.yaml").write_text("site: mine\n")
    (tmp_path / "gleaner.yaml").chmod(0o000)
    looked = gleaner(tmp_path, "doctor", "--bundle", "report.zip")
    assert looked.returncode == 1, looked.stderr
    assert "cannot read the settings file gleaner.yaml: Permission denied" in looked.stdout
    assert "Traceback" not in looked.stdout + looked.stderr
    assert (tmp_path / "report.zip").is_file()


def test_a_bundle_that_does_not_fit_on_the_disk_is_a_sentence(tmp_path: Path) -> None:
    looked = gleaner(tmp_path, "doctor", "--bundle", "report.zip", most_bytes=200)
    assert looked.returncode == 2
    assert "cannot write report.zip" in looked.stderr
    assert "to look at" in looked.stdout, "the page is shown all the same"
    assert list(tmp_path.iterdir()) == []
