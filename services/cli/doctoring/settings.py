"""Settings: would every service start with them?"""

from collections.abc import Iterator

from services.cli.doctoring.finding import Finding, ok, wrong
from services.cli.effective import effective
from shared.errors import SettingsError
from shared.settings import Settings

TODO = "change it there; docs/settings.md has every setting, `gleaner check` shows what is in effect"


def settings(given: Settings) -> Iterator[Finding]:
    """One line per problem."""
    found = effective(given)
    for problem in found.problems:
        yield wrong("settings", problem, TODO)
    if not found.problems:
        stand = sum(value.origin != "default" for value in found.values)
        yield ok("settings", f"{found.origin}: {stand} of {len(found.values)} set, the rest by default")


def unreadable(error: SettingsError) -> Finding:
    """Where nothing can be read, hardly anything can be looked at."""
    return wrong("settings", str(error), f"{TODO}. The rest was not looked at")
