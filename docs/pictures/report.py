"""Makes report.jpg, the page that `gleaner report` writes: `python docs/pictures/report.py`. Needs a Chromium.

Promises: the command itself made the page, from the streams of a site that was made up, three cameras for three weeks.
"""

import json
import os
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from shutil import which

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from services.__main__ import app  # noqa: E402
from tests.browser.chromium import NAMES  # noqa: E402
from tests.unit.services.feedback.report.site import site  # noqa: E402

PICTURE = Path(__file__).with_name("report.jpg")
DAYS, FRAMES = 21, 9_000
WIDTH_PX, QUALITY = 860, 80
LAST_SHOWN = "section[aria-labelledby=sources-title]"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with site(place, DAYS, FRAMES):
            pass
        os.chdir(place)
        last_week(written("--since", "14d", "--until", "7d"))
        photograph(written("--since", "7d"))
    print(f"{PICTURE.relative_to(ROOT)}  {PICTURE.stat().st_size / 1000:.0f} KB")


def written(*options: str) -> Path:
    """The JSON of the report of today."""
    result = CliRunner().invoke(app, ["report", "--out", "reports", *options])
    assert result.exit_code == 0, result.output
    print(result.stdout)
    return max(Path("reports").glob("*.json"))


def last_week(report: Path) -> None:
    """As if it had been made then."""
    told = json.loads(report.read_text())
    made = datetime.fromisoformat(told["made_at"]) - timedelta(days=7)
    report.unlink()
    report.with_name(f"report-{made:%Y-%m-%d}.json").write_text(json.dumps({**told, "made_at": made.isoformat()}))


def photograph(report: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), chromium_sandbox=os.geteuid() != 0)
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": 900})
        page.goto(report.with_suffix(".html").absolute().as_uri())
        box = page.locator(LAST_SHOWN).bounding_box()
        assert box is not None, "the page has a row for each source"
        shown = {"x": 0.0, "y": 0.0, "width": float(WIDTH_PX), "height": box["y"] + box["height"] + 24}
        page.screenshot(path=PICTURE, type="jpeg", quality=QUALITY, full_page=True, clip=shown)  # type: ignore[arg-type]
        browser.close()


def chromium() -> str:
    found = next((path for name in NAMES if (path := which(name))), None)
    assert found is not None, f"expected one of {', '.join(NAMES)} on the PATH"
    return found


if __name__ == "__main__":
    main()
