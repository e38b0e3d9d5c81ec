"""Markup: elements of HTML and SVG, in which every text and every attribute is escaped. Pure."""

import re
from html import escape

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What HTML forbids, and what would turn the text around it."""
MOST_CHARS = 120
_VOID = ("meta", "br")


class Markup(str):
    """What is markup already."""

    __slots__ = ()


def el(name: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """`class_` is class, `font_size` is font-size; an attribute that is None is left out, `view_box` keeps its camel hump."""
    told = "".join(
        f' {_attribute(key)}="{escape(_plain(value))}"' for key, value in attributes.items() if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{told}>")
    return Markup(f"<{name}{told}>{join(*children)}</{name}>")


def join(*children: str) -> Markup:
    return Markup(
        "".join(one if isinstance(one, Markup) else escape(_UNPRINTABLE.sub("\ufffd", one)) for one in children)
    )


def cut(name: str) -> str:
    """A name of somebody else's, cut in the middle where it is too long for a page."""
    half = MOST_CHARS // 2 - 1
    return name if len(name) <= MOST_CHARS else f"{name[:half]} … {name[-half:]}"


def _attribute(key: str) -> str:
    return "viewBox" if key == "view_box" else key.rstrip("_").replace("_", "-")


def _plain(value: str | float) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else _UNPRINTABLE.sub("\ufffd", str(value))
