"""The page: opens with what flowed, runs nothing, escapes everything, is small, and has no number where there is none."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from services.feedback.report import words
from services.feedback.report.content import Changes, Compared, Flow, ModelVersion, Reviewer, Silence, VersionTold
from services.feedback.report.page import page
from tests.unit.services.feedback.report.made import VERSION, period, report, told

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><style>body{display:none}",
    "'; --\u202egnp.exe\x00\x1b[31m",
    "&lt;b&gt;",
)


OURS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2", "p", "span", "div"),
    *("dl", "dt", "dd", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
    *("svg", "desc", "line", "circle", "polygon", "polyline", "text"),
}


class Elements(HTMLParser):
    """Names of all elements, and of all attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_sections_in_their_order() -> None:
    full = report(
        trend=tuple(period(day, 0.05) for day in range(1, 8)),
        figures=(told(), told(0.9, "precision", class_name="person"), told(0.1, source_id="door")),
        silence=Silence(shown=50, objected=3, affirmed=9, wrong=told(0.02)),
        reviewers=(Reviewer(reviewer="ana", verdicts=4),),
        says_not=("What the rate will be tomorrow.",),
    )
    titles = re.findall(r"<h2[^>]*>([^<]*)</h2>", page(full))
    assert titles == list(words.SECTIONS.values())


@pytest.mark.parametrize(("affirmed", "warned"), [(8, False), (9, True)])
def test_more_than_two_labels_by_silence_for_each_of_people_is_said(affirmed: int, warned: bool) -> None:
    made = page(report(silence=Silence(shown=50, objected=3, affirmed=affirmed, judged=4, wrong=told(0.02))))
    assert ("more than twice the 4 frames that people judged" in made) == warned


@pytest.mark.parametrize("text", HOSTILE)
def test_every_string_is_escaped(text: str) -> None:
    of = ModelVersion(model_id=text, model_version=text)
    hostile = report(
        of=of,
        headline=text,
        before=text,
        collection=text,
        notices=(text,),
        alerts=(text,),
        flow=Flow(frames=9, drawn=2, missing={text: 1}, strategies={text: 2}),
        changes=Changes(since="2026-11-16T08:00:00+01:00", new={text: (text,)}, gone={"sources": (text,)}),
        figures=tuple(
            told(value, metric, **{name: text}, says=text)
            for value in (0.5, None)
            for metric, name in (("precision", "class_name"), ("frame_error_rate", "source_id"))
        ),
        trend=(period(1, 0.1),),
        versions=(VersionTold(version=of, frames=3, figures=(told(),)),) * 2,
        comparisons=(Compared(first=of, second=of, says=text),),
        silence=Silence(shown=1, objected=0, affirmed=0, wrong=told(None, says=text)),
        reviewers=(Reviewer(reviewer=text, verdicts=1),),
        says_not=(text,),
    )
    made = page(hostile)
    found = Elements(made)
    assert set(found.names) <= OURS
    assert found.names.count("style") == 1
    assert not any(name.startswith("on") or name == "style" for name in found.attributes)
    assert not set("\u202e\x00\x1b") & set(made)


def test_nothing_but_its_own_style_is_allowed() -> None:
    made = page(report())
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', made)
    (style,) = re.findall(r"<style>(.*?)</style>", made, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "http" not in made.replace("http-equiv", "")
    assert "url(" not in style


def test_small_with_many_sources_classes_versions_and_long_names() -> None:
    many = [f"{number:04} " + "camera" * 60 for number in range(1_000)]
    figures = [told(value, source_id=name) for name in many for value in (0.1, None)]
    figures += [told(value, "precision", class_name=name) for name in many for value in (0.9, None)]
    versions = tuple(VersionTold(version=VERSION, frames=1, figures=(told(),)) for _ in range(100))
    made = page(
        report(
            figures=tuple(figures),
            versions=versions,
            reviewers=tuple(Reviewer(reviewer=name, verdicts=1) for name in many),
            trend=tuple(period(day, 0.1) for day in range(1, 31)),
            changes=Changes(
                since="2026-11-16T08:00:00+01:00", new={"sources": tuple(many)}, gone={"classes": tuple(many)}
            ),
            flow=Flow(frames=1, drawn=1, strategies=dict.fromkeys(many, 1), missing=dict.fromkeys(many, 1)),
        )
    )
    assert len(made.encode()) < 300_000
    assert "940 more in the JSON file." in made


def test_a_refusal_is_a_sentence_and_no_number() -> None:
    made = page(report(figures=(told(None), told(None, source_id="door")), trend=(period(1, None), period(2, None))))
    assert "door: Too little was checked: 7 more judgements" in made
    assert "<circle" not in made
    assert "nan" not in made.lower()
    assert "None" not in made


def test_the_first_report_says_so() -> None:
    assert words.FIRST in page(report())
