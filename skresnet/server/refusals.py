"""Errors as they are answered: a status, and a text in JSON."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

# For how long the sender of a request that is refused halfway is still listened to:
# some look for an answer only once all is sent, and would see but a lost connection.
_LAST_SECONDS: Final = 2

_ENDED: Final = "skresnet.body_ended"


class RefusedError(Exception):
    """A request that is answered with an error.

    Parameters
    ----------
    status : int
        The status of HTTP.

    message : str
        What is wrong and what to do, without anything of a picture's content.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class BusyError(RefusedError):
    """More is asked for than the server can hold."""

    def __init__(self) -> None:
        super().__init__(503, "The server is busy: send it again in a moment.")


class ErrorResponse(JSONResponse):
    """An error in JSON, after which a request that was not read in full is dropped."""

    def __init__(self, status: int, message: str) -> None:
        headers = {"retry-after": "1"} if status == 503 else {}
        super().__init__({"error": message}, status, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if _has_ended(scope):
            await super().__call__(scope, receive, send)
            return
        self.headers["connection"] = "close"
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        body = {"type": "http.response.body", "body": self.body}
        await send({**body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                while (await receive()).get("more_body"):
                    pass  # and nothing of it is kept
        await send({**body, "body": b"", "more_body": False})


def watched(scope: Scope, receive: Receive) -> Receive:
    """Note whether all of a request's body was received."""
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    scope[_ENDED] = length == "0" and "transfer-encoding" not in headers

    async def receive_watched() -> Message:
        message = await receive()
        if not message.get("more_body"):
            scope[_ENDED] = True
        return message

    return receive_watched


def _has_ended(scope: Scope) -> bool:
    return bool(scope.get(_ENDED, True))
