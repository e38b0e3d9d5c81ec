"""The bundle: what a bug report needs, in one ZIP file, redacted.

Promises: no secret of the settings, of their files and variables, or of any URL is in any of its bytes; it holds no image and
no record's bytes. It says what it holds, so that people can look before they send it.
"""

import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.cli.cameras import live
from services.cli.doctoring import page
from services.cli.doctoring.examine import within
from services.cli.doctoring.finding import Finding
from services.cli.doctoring.log import opened
from services.cli.doctoring.redacted_settings import redacted_file
from services.cli.doctoring.redaction import Redactor, secrets_in, sounds_secret
from services.cli.doctoring.versions import facts
from services.cli.effective import Value, effective
from services.cli.output import as_object
from shared.errors import GleanerError, SettingsError
from shared.ports.log import Log
from shared.settings import MASK, Settings

LIMIT_S = 60.0
DEAD_LETTERS = 50
SHORTEST_VARIABLE = 6
FOLDERS = ("PWD", "OLDPWD")
"""Variables of every shell: where people are, no password."""
CONTENTS = "CONTENTS.txt"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_ABOUT = {
    "doctor.txt": "what `gleaner doctor` says",
    "doctor.json": "the same for programs",
    "settings.json": "every setting in effect, and whether it stands in the file",
    "settings-file.yaml": "the settings file without its comments and without what is not known",
    "versions.json": "what is installed, and the machine",
    "status.json": "what `gleaner status --json` says",
    "dead-letters.json": f"why messages could not be processed, the newest {DEAD_LETTERS} of each stream, without their bytes",
}


def write(
    file: Path, settings: Settings | None, settings_file: Path | None, findings: Sequence[Finding]
) -> Sequence[str]:
    """Packs it; returns a line per file in it. Raises SettingsError where it cannot be written, or is there already."""
    redactor = Redactor(_secrets(settings, settings_file))
    contents = _contents(settings, settings_file, findings, redactor)
    about = [f"{name:20} {len(text.encode()):>9,} bytes  {_ABOUT[name]}" for name, text in contents.items()]
    head = (
        "Made by `gleaner doctor --bundle`. Secrets are replaced by ********; no log file is known, so there is none.\n"
    )
    _save(file, {CONTENTS: head + "\n".join([*about, ""]), **contents})
    return about


def _contents(
    settings: Settings | None, settings_file: Path | None, findings: Sequence[Finding], redactor: Redactor
) -> Mapping[str, str]:
    """File name → text. What cannot be had says why."""
    told = [as_object(finding) for finding in findings]
    return {
        "doctor.txt": redactor.text(page.text(findings)),
        "doctor.json": _json(redactor, {"summary": page.summary(findings), "findings": told}),
        "settings.json": _json(redactor, _effective(settings)),
        "settings-file.yaml": redacted_file(settings_file, redactor),
        "versions.json": _json(redactor, facts()),
        "status.json": _json(redactor, {"sources": _sources(settings), **_of_log(settings, _status)}),
        "dead-letters.json": _json(redactor, _of_log(settings, _dead_letters)),
    }


def _effective(settings: Settings | None) -> Any:
    if settings is None:
        return {"missing": "the settings cannot be read: see doctor.txt"}
    found = effective(settings)
    values = [{"name": _name(one.name), "value": _value(one), "from": one.origin} for one in found.values]
    return {"origin": found.origin, "values": values, "problems": found.problems, "notes": found.notes}


def _name(name: str) -> str:
    """`feedback.api_keys.********`: somebody may have taken a key for a name."""
    parts = name.split(".")
    first = next((number for number, part in enumerate(parts) if sounds_secret(part)), len(parts))
    return ".".join([*parts[: first + 1], *([MASK] if first + 1 < len(parts) else [])])


def _value(value: Value) -> str:
    return MASK if any(sounds_secret(part) for part in value.name.split(".")) else value.value


def _of_log(settings: Settings | None, read: Callable[[Log], Any]) -> Any:
    if settings is None:
        return {"missing": "the settings cannot be read: see doctor.txt"}

    def look() -> Any:
        with opened(settings) as log:
            return {"missing": "there is no log yet"} if log is None else read(log)

    try:
        return within(LIMIT_S, look)
    except (GleanerError, TimeoutError) as error:
        return {"missing": str(error)}
    except Exception as error:  # noqa: BLE001  a bundle about a broken log is what bundles are for
        return {"missing": f"{type(error).__name__} while it was read"}


def _status(log: Log) -> Any:
    from services.cli import flow
    from services.cli.counts import counts

    counted = counts(log)
    ledger = {**as_object(counted.ledger), "balanced": counted.ledger.balanced}
    return {"flow": flow.flow(log), "dead_letters": flow.dead_letters(log), **as_object(counted), "ledger": ledger}


def _sources(settings: Settings | None) -> Any:
    """What a running gleaner says of its cameras; None when none runs."""
    try:
        page = None if settings is None else live.address(settings.common, None)
    except SettingsError:
        page = None
    return live.ask(page) if page else None


def _dead_letters(log: Log) -> Any:
    """Where, when and why; neither key nor value."""
    from services.cli.dead_letter import newest

    summaries = [as_object(letter.summary) for letter in newest(log, None, DEAD_LETTERS)]
    return [{name: value for name, value in summary.items() if name != "key"} for summary in summaries]


def _secrets(settings: Settings | None, settings_file: Path | None) -> set[str]:
    """What the settings hold, whatever a variable that they name holds, and what sounds secret in the environment."""
    named = set(_VARIABLE.findall(_text(settings_file)))
    environment = {value for name, value in os.environ.items() if name in named or _may_be_secret(name, value)}
    return {*secrets_in(settings.values if settings else {}, users=True), *environment}


def _may_be_secret(name: str, value: str) -> bool:
    """A switch that happens to be called so (`USE_AUTH=true`) is none, and would hide half of the report."""
    return sounds_secret(name) and name not in FOLDERS and len(value) >= SHORTEST_VARIABLE


def _text(file: Path | None) -> str:
    try:
        return "" if file is None else file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _json(redactor: Redactor, value: Any) -> str:
    plain = json.loads(json.dumps(value, default=as_object))
    return json.dumps(redactor.value(plain), indent=2, ensure_ascii=False) + "\n"


def _save(file: Path, contents: Mapping[str, str]) -> None:
    """Whole or not at all."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        if file.exists():
            raise SettingsError(f"--bundle: {file} is there already: name another file, or take it away")
        try:
            beside.write_bytes(packed.getvalue())
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"--bundle: cannot write {file}: {error.strerror}; name another place") from error
