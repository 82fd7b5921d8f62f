"""An application on a port of this machine, until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from contextlib import suppress
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_SECONDS_TO_END: Final = 3
_MAX_CONNECTIONS: Final = 256

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
"""Names of this machine that lead nobody else here."""


class PortUnavailableError(OSError):
    """The server cannot have the address that was asked for."""


def listen(host: str, port: int) -> socket.socket:
    """Open a port; 0 is any that is free.

    Raises
    ------
    PortUnavailableError
        If it is taken, or the host is not this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what = (
                f"Port {port} of {host} is in use: choose another one with --port, or "
                "0 for any that is free."
            )
        elif error.errno in (errno.EACCES, errno.EPERM):
            what = (
                f"Port {port} of {host} is not for this user: choose one above 1023 "
                "with --port."
            )
        else:
            what = (
                f"{host} is no address of this machine: expected 127.0.0.1 for this "
                "machine alone, 0.0.0.0 for all that reach it, or a name of its own."
            )
        raise PortUnavailableError(what) from error


def address(sock: socket.socket) -> str:
    """Write the address of a port for a browser."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def run(app: ASGIApp, sock: socket.socket, *, max_seconds: float = 60) -> None:
    """Answer requests, whose heads arrive within seconds, until Ctrl-C."""
    # What goes wrong with a request is in the log of skresnet.server; what uvicorn says
    # of clients that go away, and of itself, is for nobody.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    patience = min(max_seconds, _Protocol.seconds_to_ask)
    config = uvicorn.Config(
        app,
        http=type("_PatientProtocol", (_Protocol,), {"seconds_to_ask": patience}),
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[sock])


class _Protocol(H11Protocol):
    """HTTP/1.1 for clients that may never finish to ask, or be too many."""

    seconds_to_ask = 10.0  # at most, once connected or answered
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > _MAX_CONNECTIONS:
            transport.abort()
        else:
            self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._patience is not None:
            self._patience.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait_for_request()

    def _wait_for_request(self) -> None:
        """Close the connection unless the head of a request is there in time."""
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self.loop.call_later(self.seconds_to_ask, self._lose_patience)

    def _lose_patience(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
