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
_LEAST_READ: Final = 2**16  # bytes of an answer, in the time that one may take

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
    patience = {
        "seconds_to_ask": min(max_seconds, _Protocol.seconds_to_ask),
        "seconds_to_read": max_seconds,
    }
    config = uvicorn.Config(
        app,
        http=type("_PatientProtocol", (_Protocol,), patience),
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
    seconds_to_read = 60.0  # in which the client takes some of what it is sent
    _patience: asyncio.TimerHandle | None = None
    _unread = 0

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
        self._unread = self.transport.get_write_buffer_size()
        seconds = self.seconds_to_read if self._unread else self.seconds_to_ask
        self._patience = self.loop.call_later(seconds, self._lose_patience)

    def _lose_patience(self) -> None:
        unread = self.transport.get_write_buffer_size()
        if unread and self._unread - unread >= _LEAST_READ:
            self._wait_for_request()  # which a slow line still has an answer before
        elif self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
