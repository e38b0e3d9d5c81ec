from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from services.cli.doctoring.destinations import destinations
from services.cli.doctoring.finding import Finding
from shared.settings import Settings
from tests.hosts.server import Quiet, serving

KEY = "canary-3f9a1c-key"


@contextmanager
def host(answers: dict[str, tuple[int, str]]) -> Iterator[tuple[str, list[str]]]:
    """(URL, what was asked) of a host that answers with these, by path; it quotes the key in every complaint."""
    asked: list[str] = []

    class Handler(Quiet):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked.append(f"GET {url.path}")
            if parse_qs(url.query).get("api_key") != [KEY]:
                self.answer(401, b'{"error": "no key"}')
                return
            status, body = answers.get(url.path, (404, f"no such thing for key {KEY}"))
            self.answer(status, body.encode())

        def do_POST(self) -> None:
            asked.append(f"POST {self.path}")
            self.answer(500, b"")

    with serving(Handler) as url:
        yield url, asked


def looked(url: str, **options: str) -> Finding:
    line = {"type": "roboflow", "api_key": KEY, "project": "packages", "base_url": url, **options}
    (found,) = destinations(Settings({"destinations": [line]}))
    assert KEY not in repr(found)
    return found


WORKSPACE = {"/": (200, '{"workspace": "north"}'), "/north/packages": (200, '{"project": {}}')}


def test_a_key_that_reaches_its_project_is_fine_and_nothing_is_sent() -> None:
    with host(WORKSPACE) as (url, asked):
        found = looked(url)
    assert (found.state, asked) == ("ok", ["GET /", "GET /north/packages"])
    assert "nothing was sent" in found.found


def test_a_named_workspace_is_asked_at_once() -> None:
    with host({"/south/packages": (200, "{}")}) as (url, asked):
        assert looked(url, workspace="south").state == "ok"
    assert asked == ["GET /south/packages"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"/": (200, '{"workspace": "north"}')}, "404: no such thing"),
        ({"/": (401, '{"error": {"message": "This API key does not exist"}}')}, "401: This API key does not exist"),
        ({"/": (302, "")}, "302"),
        ({"/": (502, "<h1>Bad Gateway</h1>")}, "502: Bad Gateway"),
        ({"/": (200, "<html>a page</html>")}, "not with JSON"),
    ],
)
def test_what_the_host_says_is_on_the_page(answers: dict[str, tuple[int, str]], said: str) -> None:
    with host(answers) as (url, _):
        found = looked(url)
    assert (found.state, said in found.found) == ("wrong", True), found
    assert found.todo


def test_a_host_that_is_not_there() -> None:
    found = looked("http://127.0.0.1:9")
    assert found.state == "wrong"
    assert "waits" in found.todo


def test_a_dataset_folder_counts_its_samples_and_is_not_made(tmp_path: Path) -> None:
    line = {"type": "dataset", "folder": str(tmp_path / "dataset")}
    (found,) = destinations(Settings({"destinations": [line]}))
    assert (found.state, list(tmp_path.iterdir())) == ("ok", [])
    (tmp_path / "dataset" / "samples").mkdir(parents=True)
    (tmp_path / "dataset" / "samples" / "a.json").write_text("{}")
    (found,) = destinations(Settings({"destinations": [line]}))
    assert "1 samples" in found.found


def test_a_dataset_below_a_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (found,) = destinations(Settings({"destinations": [{"type": "dataset", "folder": str(tmp_path / "file" / "x")}]}))
    assert (found.state, "is a file" in found.found) == ("wrong", True)
