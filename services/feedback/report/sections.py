"""Sections of the page, one function each, in their order. Pure; what there is nothing to say about is left out."""

from collections.abc import Callable, Iterable, Sequence

from services.feedback.report import plots, words
from services.feedback.report.content import Report, Told
from services.feedback.report.markup import Markup, cut, el, join
from services.feedback.report.plots import Axis

MOST_ROWS = 60
MOST_COLUMNS = 4
NOTHING = Markup("")


def sections(report: Report) -> list[Markup]:
    return [made for make in _SECTIONS if (made := make(report))]


def flow(report: Report) -> Markup:
    """What came in, what was chosen, and what it takes to label it."""
    seen, cost = report.flow, report.cost
    tiles = el(
        "dl",
        _tile("frames seen", words.number(seen.frames), words.without(seen)),
        _tile("images kept", words.number(seen.kept), words.one_in(seen.frames, seen.kept)),
        _tile("images sent", words.number(seen.sent), words.waiting(seen)),
        _tile("bytes kept", words.size(seen.kept_bytes), words.sent_bytes(seen)),
        _tile("labelling", words.hours(cost.hours), words.price(cost)),
        class_="tiles",
    )
    return _section("flow", tiles, _p(words.labelling(cost)), _p(words.drawn_by(seen), class_="muted"))


def changes(report: Report) -> Markup:
    if report.changes is None:
        return _section("changes", _p(words.FIRST))
    rows = [el("tr", _th(row.name), _num(row.now), _num(row.before)) for row in report.changes.rows]
    table = _table(("", "now", words.on(report.changes.since)), rows, numbers=True)
    return _section("changes", table, *map(_p, words.came_and_went(report.changes)))


def accuracy(report: Report) -> Markup:
    """The one sentence."""
    notices = [_p(words.NOTICE, notice, class_="warning") for notice in report.notices]
    of = _p(words.about(report), class_="muted") if report.of else NOTHING
    before = _p(report.before) if report.before else NOTHING
    return _section("accuracy", _p(report.headline, class_="lead"), before, of, *notices)


def trend(report: Report) -> Markup:
    if not report.trend:
        return NOTHING
    drawn = [
        plots.trend(report.trend, width_px, name) for width_px, name in ((840, "trend-wide"), (300, "trend-narrow"))
    ]
    rows = [el("tr", _th(words.days(one)), el("td", _told(one.rate))) for one in report.trend]
    numbers = el("details", el("summary", words.THE_NUMBERS), _table(("days", words.METRICS["frame_error_rate"]), rows))
    return _section("trend", *drawn, _p(words.TREND_LEGEND, class_="muted"), numbers)


def classes(report: Report) -> Markup:
    found = [one for one in report.figures if one.metric == "precision" and one.class_name is not None]
    worst = sorted(found, key=lambda one: (one.value is None, one.value, one.class_name))
    return _figures("classes", worst, plots.axis_to_one(found), lambda one: one.class_name or "")


def sources(report: Report) -> Markup:
    found = [one for one in report.figures if one.metric == "frame_error_rate" and one.source_id is not None]
    worst = sorted(found, key=lambda one: (one.value is None, -(one.value or 0.0), one.source_id))
    return _figures("sources", worst, plots.axis_from_zero(found), lambda one: one.source_id or "")


def versions(report: Report) -> Markup:
    """A column for each, the newest first."""
    if not report.versions:
        return NOTHING
    shown = report.versions[:MOST_COLUMNS]
    rows = [el("tr", _th(words.FRAMES), *(_num(words.number(one.frames)) for one in shown))]
    for metric, name in words.METRICS.items():
        rows.append(el("tr", _th(name), *(_num(words.value(one.figure(metric))) for one in shown)))
    table = _table(("", *(cut(str(one.version)) for one in shown)), rows, numbers=True)
    said = [_p(one.says) for one in report.comparisons] or [_p(words.NOT_COMPARED, class_="muted")]
    told = said if len(report.versions) > 1 else []
    return _section("versions", table, _more(report.versions, MOST_COLUMNS), *told)


def coverage(report: Report) -> Markup:
    headline = report.figure("frame_error_rate")
    if headline is None:
        return NOTHING
    reasons = [el("li", line) for line in words.why_missing(report.flow)]
    return _section("coverage", _p(words.covered(headline)), el("ul", *reasons) if reasons else NOTHING)


def silence(report: Report) -> Markup:
    if report.silence is None:
        return NOTHING if report.of is None else _section("silence", _p(words.NOBODY_SHOWN))
    return _section("silence", *map(_p, words.silent(report.silence)), _p(words.SILENCE_SAYS_NOT, class_="muted"))


def reviewers(report: Report) -> Markup:
    if not report.reviewers:
        return _section("reviewers", _p(words.NOBODY_JUDGED))
    rows = [
        el("tr", _th(cut(one.reviewer), words.excluded(one)), *map(_num, words.reviewer(one)))
        for one in report.reviewers[:MOST_ROWS]
    ]
    return _section("reviewers", _table(words.REVIEWER_COLUMNS, rows, numbers=True), _more(report.reviewers))


def says_not(report: Report) -> Markup:
    return _section("says_not", el("ul", *(el("li", one) for one in report.says_not))) if report.says_not else NOTHING


_SECTIONS: Sequence[Callable[[Report], Markup]] = (
    flow,
    changes,
    accuracy,
    trend,
    classes,
    sources,
    versions,
    coverage,
    silence,
    reviewers,
    says_not,
)


def _figures(section: str, found: Sequence[Told], axis: Axis, name: Callable[[Told], str]) -> Markup:
    """A dot with its whiskers for each; those without a figure say why, once for all of them."""
    if not found:
        return NOTHING
    known, refused = [one for one in found if one.refused is None], [one for one in found if one.refused is not None]
    rows = [
        el("tr", _th(cut(name(one))), el("td", _told(one)), el("td", plots.whisker(one, axis), class_="plot"))
        for one in known[:MOST_ROWS]
    ]
    head = el("thead", el("tr", _th(""), _th(words.ESTIMATE), el("th", plots.scale(axis), class_="plot", scope="col")))
    table = el("table", head, el("tbody", *rows), class_="figures") if rows else NOTHING
    without = [el("li", f"{cut(name(one))}: ", one.says) for one in refused[:MOST_ROWS]]
    told = join(_p(words.NO_FIGURE_FOR), el("ul", *without), _more(refused)) if without else NOTHING
    return _section(section, table, _more(known), told)


def _told(one: Told) -> Markup:
    """The numbers, and what they rest on; or why there are none."""
    if one.refused is not None:
        return join(one.says)
    return join(words.value(one), " ", el("span", words.checks(one), class_="muted"))


def _section(name: str, *children: str) -> Markup:
    return el("section", el("h2", words.SECTIONS[name], id=f"{name}-title"), *children, aria_labelledby=f"{name}-title")


def _tile(name: str, big: str, small: str) -> Markup:
    return el("div", el("dt", name), el("dd", big, class_="big"), el("dd", small, class_="small"))


def _table(columns: Iterable[str], rows: Iterable[str], numbers: bool = False) -> Markup:
    first, *others = columns
    head = [_th(first), *(el("th", one, scope="col", class_="num" if numbers else None) for one in others)]
    table = el("table", el("thead", el("tr", *head)), el("tbody", *rows))
    if len(head) <= MOST_COLUMNS:
        return table
    return el("div", table, class_="scroll", role="region", aria_label=words.TABLE, tabindex="0")


def _more(found: Sequence[object], most: int = MOST_ROWS) -> Markup:
    return _p(words.more(len(found) - most), class_="muted") if len(found) > most else NOTHING


def _th(*text: str) -> Markup:
    return el("th", *text, scope="row")


def _num(text: str) -> Markup:
    return el("td", text, class_="num")


def _p(*text: str, class_: str | None = None) -> Markup:
    return el("p", *text, class_=class_) if any(text) else NOTHING
