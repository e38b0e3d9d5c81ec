"""The registry: what the doctor looks at, in the order of the page. A new check is its function and its line here."""

from services.cli.doctoring.backlog import backlog
from services.cli.doctoring.cameras import cameras
from services.cli.doctoring.clock import clock, clock_of_log, clock_of_store
from services.cli.doctoring.destinations import destinations
from services.cli.doctoring.disk import disk
from services.cli.doctoring.examine import Check
from services.cli.doctoring.model import model
from services.cli.doctoring.ports import ports
from services.cli.doctoring.settings import settings
from services.cli.doctoring.stores import last_stop, stores
from services.cli.doctoring.versions import versions

CHECKS: tuple[Check, ...] = (
    Check("versions", versions, bare=True),
    Check("settings", settings),
    Check("model", model, limit_s=60, alone=True),
    Check("cameras", cameras, limit_s=45),
    Check("disk", disk, limit_s=30),
    Check("clock", clock, bare=True),
    Check("clock and log", clock_of_log),
    Check("clock and servers", clock_of_store),
    Check("last stop", last_stop, alone=True),
    Check("stores", stores, limit_s=45),
    Check("backlog", backlog, limit_s=45),
    Check("destinations", destinations, limit_s=30),
    Check("ports", ports),
)
