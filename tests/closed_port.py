"""A port on which nobody listens, now or later."""

import atexit
import functools
import socket


@functools.cache
def closed_port() -> int:
    """Return a port of loopback that refuses connections: it is taken until this process ends, and not listened on."""
    taken = socket.socket()
    atexit.register(taken.close)
    taken.bind(("127.0.0.1", 0))
    return int(taken.getsockname()[1])
