"""`python -m tests.cameras --kind rtsp-h264 --count 8`: serves until Ctrl-C, and takes faults as lines: `cam-03 freezes`."""

import sys
import threading
from argparse import ArgumentParser, Namespace
from typing import get_args

from tests.cameras.faults import Fault
from tests.cameras.spec import Kind, Spec
from tests.cameras.world import World, serving


def main() -> None:
    options = _options()
    with serving(_specs(options)) as world:
        for camera in world:
            print(camera.name, camera.url, flush=True)
        threading.Thread(target=_obey, args=(world,), daemon=True).start()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.cameras", description=__doc__)
    parser.add_argument("--kind", choices=get_args(Kind), default="mjpeg")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--size", default="640x360", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--port", type=int, default=0, help="of the first one; the others follow")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    parser.add_argument("--auth", choices=("basic", "digest"), default="basic")
    return parser.parse_args()


def _specs(options: Namespace) -> list[Spec]:
    width_px, height_px = map(int, options.size.split("x"))
    return [
        Spec(
            f"cam-{number:02}",
            options.kind,
            options.fps,
            width_px,
            height_px,
            user=options.user,
            password=options.password,
            auth=options.auth,
            port=options.port + number if options.port else 0,
        )
        for number in range(options.count)
    ]


def _obey(world: World) -> None:
    for line in sys.stdin:
        name, _, fault = line.strip().partition(" ")
        try:
            world[name].fault = Fault(fault) if fault else None
        except (KeyError, ValueError) as why:
            print(f"expected NAME and one of {', '.join(Fault)}, or NAME alone for no fault: {why}", file=sys.stderr)


if __name__ == "__main__":
    main()
