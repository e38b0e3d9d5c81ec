"""`gleaner keys`: API keys of the feedback service: `new`.

Promises: a key is shown once and kept nowhere; what goes into the settings is its hash. Plain SHA-256 is enough for 256
random bits: nobody can try them all, and a slow hash helps only what people think up.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output

if TYPE_CHECKING:
    from services.feedback.config import ApiKey

keys = typer.Typer(name="keys", help="API keys of the feedback service: new.", no_args_is_help=True)


@keys.command()
def new(
    name: Annotated[str, typer.Argument(help="Who gets it; stands in each of its verdicts.")],
    scopes: Annotated[
        str, typer.Option(metavar="A,B", help="judge (verdicts, links), read (images, accuracy), admin (all).")
    ] = "judge,read",
    source: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only these sources, door*; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make an API key. It is shown once; the settings keep its hash."""
    from services.feedback.access.keys import hash_of, new_key

    key = new_key()
    entry = _checked(name, hash_of(key), [scope.strip() for scope in scopes.split(",")], source or [])
    line = _line(name, entry)
    if as_json:
        output.show_json({"name": name, "key": key, "settings": line})
        return
    output.note("The key, shown this once; give it to the application as a secret:")
    output.say(key)
    output.note("For the settings, under feedback.api_keys:")
    output.say(line)


def _checked(name: str, sha256: str, scopes: list[str], sources: list[str]) -> "ApiKey":
    """As feedback will read it. Raises SettingsError."""
    from services.feedback.config import FeedbackConfig
    from shared.settings import Settings

    entry = {"sha256": sha256, "scopes": scopes, **({"sources": sources} if sources else {})}
    return Settings({"feedback": {"api_keys": {name: entry}}}).read(FeedbackConfig).feedback.api_keys[name]


def _line(name: str, entry: "ApiKey") -> str:
    """One line of YAML, which is JSON with fewer quotes."""
    import yaml

    told = {"sha256": entry.sha256.get_secret_value(), "scopes": list(entry.scopes)}
    if entry.sources:
        told["sources"] = list(entry.sources)
    text: str = yaml.safe_dump({name: told}, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
    return text.strip()[1:-1]
