"""`gleaner sources`: do the cameras work (`check`), one more of them (`add`), which there are (`list`)."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import settings_of

if TYPE_CHECKING:
    from services.sources.config import CameraOptions

sources = typer.Typer(name="sources", help="The cameras of the settings: check, add, list.", no_args_is_help=True)

EXIT_FAULTY = 1
TRIED_S = 2.5
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@sources.command()
def check(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="these alone; none: all")] = None,
    for_s: Annotated[float, typer.Option("--for", metavar="SECONDS", min=1, max=600, help="Look so long.")] = 6.0,
    picture: Annotated[Path, typer.Option(help="Where the picture of all of them goes.")] = Path("sources.jpg"),
    as_json: AsJson = False,
) -> None:
    """Open every camera, show one frame of each. Says what they cost this machine; exit code 1 when one is dead."""
    from services.cli.cameras import check as looking
    from services.cli.cameras.progress import progress

    settings = settings_of(ctx)
    with progress(quiet=as_json) as show:
        found = looking.look(settings, names or (), for_s, show)
    looking.draw(found, picture)
    if as_json:
        output.show_json({**looking.told(found), "picture": str(picture)})
    else:
        looking.show(found)
        output.say(f"picture: {picture}")
    if not found.fine:
        raise typer.Exit(EXIT_FAULTY)


@sources.command()
def add(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="rtsp://…, http(s)://…, /dev/video0, or a file")],
    name: Annotated[str | None, typer.Option(help="What it is called; else made of the address.")] = None,
    user: Annotated[str | None, typer.Option(help="User name, where the address does not hold one.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="A file that holds the password and nothing else.")] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, max=120, help="Frames per second; else the defaults'.")
    ] = None,
    try_it: Annotated[bool, typer.Option("--try/--no-try", help="Open it first; write nothing if it is dead.")] = True,
) -> None:
    """Try a camera, and write its line into the settings file. Shows its picture."""
    from services.cli.cameras import settings_file
    from services.cli.cameras.line import new_line
    from services.sources.cameras.address import Address

    file = settings_file.file_in_use(ctx)
    line = new_line(
        url,
        name,
        user=user,
        password_file=None if password_file is None else str(password_file),
        fps=fps,
        taken=settings_file.text_of(file),
    )
    options = settings_file.read_with(file, line)
    Address.of(options)  # what cannot be an address is refused also when nobody tries it
    if try_it:
        _try(line.name, options)
    settings_file.write(file, line)
    output.say(f"written to {file}: {line}")
    for variable in line.variables:
        output.say(
            f"the secret of its address is not in the file: set the environment variable {variable} "
            "wherever Gleaner runs (docker compose: in .env), or use --password-file"
        )


@sources.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show names and addresses. Opens nothing."""
    from services.cli.cameras.named import cameras, listed

    rows = [listed(name, camera) for name, camera in cameras(settings_of(ctx)).items()]
    if as_json:
        output.show_json(rows)
        return
    output.show_table("Sources", ("source", "address", "frames/s"), [(one.name, one.address, one.fps) for one in rows])
    for one in rows:
        if one.problem:
            output.complain(f"{one.name}: {one.problem}")


def _try(name: str, options: "CameraOptions") -> None:
    """Shows what the camera sends. Raises GleanerError where it sends nothing."""
    from services.cli.cameras.load import hints, load_of
    from services.cli.cameras.progress import progress
    from services.cli.cameras.sheet import facts
    from services.inference.config import cores
    from services.sources.cameras.probe import probe
    from shared.errors import GleanerError

    with progress() as show:
        found = probe({name: options}, TRIED_S, show)
    camera = found[0]
    if camera.fault is not None:
        raise GleanerError(f"{camera.why}. Nothing was written; --no-try writes the line all the same")
    picture = _saved(name, camera.picture or b"")
    output.say(f"it works: {facts(camera)}" + (f"; its picture: {picture}" if picture else ""))
    for sentence in hints(found, load_of(found, cores(), partitions=1)):
        output.say(sentence)


def _saved(name: str, picture: bytes) -> Path | None:
    """Beside whatever lies there already; that it cannot be written is no reason to stop."""
    # A name for people may hold what a file's may not.
    stem = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name).lstrip(".")
    path = next(path for path in map(Path, _names(stem)) if not path.exists())
    try:
        path.write_bytes(picture)
        return path
    except OSError as error:
        output.note(f"its picture cannot be written here: {error.strerror}")
        return None


def _names(stem: str) -> Iterator[str]:
    yield f"{stem}.jpg"
    yield from (f"{stem}-{number}.jpg" for number in count(2))
