"""The documentation page: the OpenAPI description as plain HTML.

Promises: no script, nothing from another host, and a content security policy that would stop both.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
body { color: #1d2327; background: #fff }
h2 { margin-top: 3rem; border-top: 1px solid #d5d9de; padding-top: 1.5rem }
h2 code { font-size: 1rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0 }
tr { border-bottom: 1px solid #e8ebee }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { background: #f4f6f8; padding: .8rem 1rem; overflow-x: auto; border-radius: 4px }
.method { color: #0b6e4f; font-weight: 700 }
nav ul { padding-left: 1.2rem }
nav li { padding: .15rem 0 }
@media (max-width: 40rem) { h2, p, li, td, th, code { overflow-wrap: anywhere } }
@media (prefers-color-scheme: dark) {
  body { color: #e6e8ea; background: #16191c }
  pre { background: #22272c }
  h2, tr { border-color: #343a40 }
  .method { color: #5ad1a5 }
  a { color: #8ab4f8 }
}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

Json = Mapping[str, Any]


def render(openapi: Json) -> str:
    """A page for this OpenAPI description."""
    info = openapi["info"]
    operations = [
        _operation(method, path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])}</h1><p>{escape(info.get('description', ''))}</p>"
        '<p>The same for programs: <a href="/openapi.json">openapi.json</a></p>'
        f"{_contents(openapi['paths'])}{''.join(operations)}</body></html>"
    )


def _contents(paths: Json) -> str:
    entries = [
        f'<li><a href="#{_anchor(method, path)}"><code>{escape(f"{method.upper()} {path}")}</code></a> '
        f"{escape(operation.get('summary', ''))}</li>"
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    return f"<nav><ul>{''.join(entries)}</ul></nav>"


def _anchor(method: str, path: str) -> str:
    """The id of an operation's heading: `post-v1-verdicts`."""
    return "-".join([method.lower(), *re.findall(r"\w+", path)])


def _operation(method: str, path: str, operation: Json) -> str:
    return (
        f'<h2 id="{_anchor(method, path)}">'
        f'<span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code></h2>'
        f"<p><strong>{escape(operation.get('summary', ''))}</strong></p>{_prose(operation.get('description', ''))}"
        f"{_parameters(operation.get('parameters', []))}{_body(operation.get('requestBody'))}"
        f"{_responses(operation['responses'])}"
    )


def _parameters(parameters: Iterable[Json]) -> str:
    rows = [
        (
            _code(one["name"]),
            escape(one["in"]),
            "yes" if one.get("required") else "no",
            _kind(one.get("schema", {})),
            _prose_of(one),
        )
        for one in parameters
    ]
    return _table("Parameters", ("name", "in", "required", "kind", "meaning"), rows)


def _body(body: Json | None) -> str:
    if body is None:
        return ""
    return "".join(_content(media_type, content) for media_type, content in body["content"].items())


def _content(media_type: str, content: Json) -> str:
    schema = content.get("schema", {})
    rows = [
        (_code(name), "yes" if name in schema.get("required", []) else "no", _kind(field), _prose_of(field))
        for name, field in schema.get("properties", {}).items()
    ]
    examples = "".join(
        f"<p>Example: {escape(name)}</p><pre>{escape(json.dumps(example['value'], indent=2, ensure_ascii=False))}</pre>"
        for name, example in content.get("examples", {}).items()
        if "value" in example
    )
    about = f"<p>Body: {_code(media_type)} {_prose_of(schema)}</p>"
    return about + _table("Fields", ("field", "required", "kind", "meaning"), rows) + examples


def _prose_of(schema: Json) -> str:
    return _inline(schema.get("description", ""))


def _responses(responses: Json) -> str:
    rows = [(_code(status), _prose_of(answer)) for status, answer in sorted(responses.items())]
    return _table("Answers", ("status", "meaning"), rows)


def _table(title: str, heads: Iterable[str], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h3>{escape(title)}</h3><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _kind(schema: Json) -> str:
    """A schema in a few words: its choices, or its type."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return " | ".join(_code(str(choice)) for choice in schema["enum"])
    return escape(str(schema.get("type", "")))


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n") if part)


def _inline(text: str) -> str:
    """What stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
