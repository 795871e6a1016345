"""Taking a port before anything else starts, so that a port in use is one clear line."""

from __future__ import annotations

import errno
import os
import socket

from tulia.cli.failing import CommandFailed

_BACKLOG = 2_048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (port 0: a free one). Raises CommandFailed."""
    if not 0 <= port <= 65_535:
        raise CommandFailed(f"{port} is no port: choose from 1 to 65535 with --port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CommandFailed(f"the address {host} can't be used: {error.strerror or error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise CommandFailed(f"port {port} on {host} is in use: choose another with --port") from error
        raise CommandFailed(f"port {port} on {host} can't be used: {os.strerror(error.errno or 0)}") from error
    return listener


def free_port() -> int:
    """A port on loopback that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
