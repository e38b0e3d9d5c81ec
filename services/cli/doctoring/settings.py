"""Settings: would every service start with them, and does the gleaner that runs here go by them?"""

from collections.abc import Iterator

from services.cli import in_force
from services.cli.cameras import live
from services.cli.doctoring.finding import Finding, ok, warning, wrong
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
        yield from _in_force(given)


def _in_force(given: Settings) -> Iterator[Finding]:
    """Nothing where nobody runs here, or all is well."""
    page = live.address(given.common, None)
    told = in_force.ask(page) if page else None
    if told is None:
        return
    refused, waiting = in_force.refusal(told), in_force.waits(told)
    if refused:
        yield wrong("settings in force", refused, "put back what cannot change while it runs, or restart it")
    if waiting:
        yield warning("settings in force", waiting, "restart it when that suits you")


def unreadable(error: SettingsError) -> Finding:
    """Where nothing can be read, hardly anything can be looked at."""
    return wrong(
        "settings", str(error), f"{TODO}. What runs goes on with the settings it has. The rest was not looked at"
    )
