"""Listening: why a service cannot have its address, as a sentence that says what to change. Whoever listens, says it alike."""

import errno

_RESERVED_BELOW = 1024


def cannot_listen(setting: str, host: str, port: int, error: OSError) -> str:
    """`setting` names the section of the settings that holds `host` and `port`."""
    at = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"{setting}: port {port} of {host} is taken by another program, `ss -ltnp 'sport = :{port}'` says which: "
            f"end that one, or set another {setting}.port"
        )
    if error.errno == errno.EACCES and port < _RESERVED_BELOW:
        return f"{setting}: no permission to listen on {at}: set a {setting}.port from {_RESERVED_BELOW} on"
    # A name that leads nowhere: getaddrinfo's numbers are negative.
    if error.errno == errno.EADDRNOTAVAIL or (error.errno or 0) < 0:
        return (
            f"{setting}: {host} is no address of this machine: set {setting}.host to 127.0.0.1 (this machine alone) "
            "or 0.0.0.0 (the network too)"
        )
    return f"{setting}: cannot listen on {at} ({error.strerror or error}); see {setting}.host and .port"
