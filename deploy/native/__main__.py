"""`python -m deploy.native install|up|down|env`: the servers without Docker, from a terminal.

`up` leaves them running and prints the variables that the tests look for; `down` stops exactly those.
"""

import argparse
from pathlib import Path

from deploy.native import detached, running
from deploy.native.cache import cache_directory

DEFAULT_DIRECTORY = cache_directory().parent / "running"


def main() -> None:
    """Run one command."""
    arguments = _parser().parse_args()
    which, directory = arguments.only, arguments.dir
    if arguments.command == "install":
        running.install(which)
        print(f"# installed {', '.join(which)}; cache: {cache_directory()}")
    elif arguments.command == "up":
        print(detached.up(directory, which), end="")
    elif arguments.command == "env":
        print(detached.env(directory), end="")
    else:
        print(f"# stopped {', '.join(detached.down(directory)) or 'nothing'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.native", description=__doc__)
    parser.add_argument("command", choices=["install", "up", "down", "env"])
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help="data, logs, keys (default: %(default)s)")
    parser.add_argument("--only", type=_names, default=running.EVERY_SERVER, help="e.g. kafka,redis (default: all)")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in running.EVERY_SERVER]:
        raise argparse.ArgumentTypeError(f"expected some of {','.join(running.EVERY_SERVER)}, got {','.join(unknown)}")
    return names


if __name__ == "__main__":
    main()
