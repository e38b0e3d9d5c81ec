"""The page: a report as one HTML file that needs nothing but itself. Pure.

Promises: no script, and a policy that would run none; below 300 kB, however much there is to tell: the rest is in the JSON.
"""

import base64
import hashlib
from importlib import resources

from services.feedback.report import words
from services.feedback.report.content import Report
from services.feedback.report.markup import Markup, el, join
from services.feedback.report.sections import sections

_CSS = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")


def page(report: Report) -> str:
    alerts = [el("p", one, class_="warning", role="note") for one in report.alerts]
    header = el("header", el("h1", words.TITLE), el("p", words.window(report), class_="muted"), *alerts)
    return f"<!doctype html>\n{el('html', _head(), el('body', header, el('main', *sections(report))), lang='en')}\n"


def _head() -> Markup:
    """The style is named by its hash: nothing that a name smuggled in could set another."""
    digest = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return el(
        "head",
        el("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", words.TITLE),
        join(Markup(f"<style>{_CSS}</style>")),
    )
