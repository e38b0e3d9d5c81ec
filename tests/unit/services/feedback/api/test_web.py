"""The static files: types, policies, caches, and that a path reaches nothing else."""

import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.feedback.api import web
from services.feedback.api.web import FILES, FOLDER
from services.feedback.desk import Desk

PAGE = "/examples/pill-counter"
BUTTON = "/gleaner-verdict.js"


@pytest.fixture
def client(desk_for: Callable[..., Desk]) -> TestClient:
    app = FastAPI()
    web.add(app, desk_for())
    return TestClient(app)


@pytest.mark.parametrize(("path", "media_type"), [(path, file.media_type) for path, file in FILES.items()])
def test_each_file_is_what_it_says(client: TestClient, path: str, media_type: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert response.content == (FOLDER / FILES[path].name).read_bytes()
    assert response.headers["x-content-type-options"] == "nosniff"
    head = client.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", response.headers["etag"])


def test_whoever_has_it_already_gets_nothing_twice(client: TestClient) -> None:
    etag = client.get(BUTTON).headers["etag"]
    known = client.get(BUTTON, headers={"If-None-Match": f'W/{etag}, "other"'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
    assert client.get(BUTTON, headers={"If-None-Match": '"other"'}).status_code == 200


def test_only_the_button_is_for_any_site(client: TestClient) -> None:
    headers = {path: client.get(path, headers={"Origin": "https://app.example"}).headers for path in FILES}
    assert [path for path in FILES if headers[path].get("access-control-allow-origin") == "*"] == [BUTTON]
    assert headers[BUTTON]["cross-origin-resource-policy"] == "cross-origin"
    assert "max-age" in headers[BUTTON]["cache-control"]
    assert headers[PAGE]["cache-control"] == "no-cache"


def test_the_page_runs_nothing_but_its_own_files(client: TestClient) -> None:
    page = client.get(PAGE)
    policy = dict(one.split(maxsplit=1) for one in page.headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(r"<style|\son\w+=|\sstyle=|<script(?![^>]*\ssrc=)", page.text)


@pytest.mark.parametrize(
    "path",
    [
        "/examples/../gleaner-verdict.js",
        "/examples/%2e%2e/%2e%2e/config.py",
        "/examples/pill-counter/../../service.py",
        "/examples/",
        "/examples/pill-counter.html",
        "/web/gleaner-verdict.js",
        "//etc/passwd",
    ],
)
def test_a_path_reaches_no_other_file(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404 or response.content == (FOLDER / "gleaner-verdict.js").read_bytes()


def test_the_button_loads_nothing_and_writes_no_html() -> None:
    """Tiny and alone: what a page lets in with it is this one file."""
    text = (FOLDER / "gleaner-verdict.js").read_text()
    assert text.startswith("// @ts-check")
    for word in ("innerHTML", "insertAdjacentHTML", "outerHTML", "document.write", "eval(", "import(", "import {"):
        assert word not in text
    assert len(text.encode()) < 20_000


def test_the_page_about_it_names_all_its_words_attributes_and_colours() -> None:
    page = (FOLDER.parents[2] / "docs" / "embed.md").read_text()
    text = (FOLDER / "gleaner-verdict.js").read_text()
    words = text.partition("const WORDS = {")[2].partition("};")[0]
    names = [f"text-{name}" for name in re.findall(r'[{,]\s*"?([a-z-]+)"?: "', "," + words)]
    attributes = re.findall(r'(?:get|has)Attribute\("([a-z-]+)"\)', text)
    colours = re.findall(r"var\((--gleaner-[a-z]+)", text)
    assert len(names) > 20
    for name in {*names, *attributes, *colours}:
        assert name in page, f"docs/embed.md says nothing of {name}"
