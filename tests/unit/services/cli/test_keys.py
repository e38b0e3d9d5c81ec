"""`gleaner keys new`: the key works with the line that it prints, and nothing else shows it."""

import pytest
import yaml
from typer.testing import CliRunner

from services.cli.keys import keys
from services.feedback.access.keys import Keys
from services.feedback.config import FeedbackOptions
from shared.errors import SettingsError

RUNNER = CliRunner()


def made(*arguments: str) -> tuple[str, dict[str, object]]:
    """The key, and what its line says to feedback."""
    result = RUNNER.invoke(keys, ["new", *arguments])
    assert result.exit_code == 0, result.output
    key, line = result.stdout.splitlines()
    assert key not in line
    return key, yaml.safe_load(f"{{{line}}}")


@pytest.fixture(autouse=True)
def _one_command_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a single command typer leaves its name out; a group has it, as `gleaner keys` does."""
    keys.callback()(lambda: None)


def test_the_key_opens_what_its_line_says() -> None:
    key, told = made("door-app", "--scopes", "judge, admin", "--source", "door*", "--source", "porch")
    options = FeedbackOptions.model_validate({"api_keys": told})
    caller = Keys(options.api_keys).caller(key.encode())
    assert (caller.name, caller.scopes, caller.sources) == (
        "door-app",
        frozenset({"judge", "admin"}),
        ("door*", "porch"),
    )
    assert "key" not in told["door-app"]  # type: ignore[operator]


def test_each_is_another_and_nobody_guesses_it() -> None:
    found = {made("app")[0] for _ in range(20)}
    assert len(found) == 20
    assert min(map(len, found)) >= 43, "256 bits in base64"


def test_names_that_yaml_would_take_for_something_else() -> None:
    for name in ("true", "1", "a: b", "ключ", "{x}"):
        assert list(made(name)[1]) == [name]


def test_an_unknown_scope_is_refused_with_the_nearest() -> None:
    result = RUNNER.invoke(keys, ["new", "app", "--scopes", "juge"])
    assert isinstance(result.exception, SettingsError)
    assert "did you mean 'judge'" in str(result.exception)
