"""From the body of a request to pictures in memory, within limits."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from skresnet.server.refusals import BusyError, RefusedError
from skresnet.text import counted, shown

_EXPECTED: Final = (
    'expected {"pictures": [{"name": "a.jpg", "content": "<the file in base64>"}]}; '
    "nothing is read from paths or addresses"
)
_LONGEST_NAME: Final = 255
_PARTS_OF_PICTURE: Final = 1024  # of JSON, far more than there are even with odd names


@dataclass(frozen=True)
class Limits:
    """What a server takes.

    Parameters
    ----------
    max_bytes : int, default=67_108_864
        Most bytes of a request, 64 MiB.

    max_pictures : int, default=64
        Most pictures of a request.

    max_seconds : float, default=60
        For how long a request may be sent, and for how long its answer may take.

    max_memory : int, default=268_435_456
        Most bytes of all requests that are held at a time, 256 MiB.

    Raises
    ------
    ValueError
        If a limit is not above 0, or no request could be as large as it may be.
    """

    max_bytes: int = 64 * 2**20
    max_pictures: int = 64
    max_seconds: float = 60
    max_memory: int = 256 * 2**20

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name} is {value!r}; expected a number above 0.")
        if self.max_memory < self.max_bytes:
            raise ValueError(
                f"max_memory is {self.max_memory:,} and max_bytes {self.max_bytes:,}; "
                "expected no less memory than a request may take."
            )


class Upload(NamedTuple):
    """A picture as it came: what its sender calls it, and the content of its file."""

    name: str
    content: bytes


class Memory:
    """The bytes of all requests that are held at a time."""

    def __init__(self, limits: Limits) -> None:
        self._free = limits.max_memory

    @contextmanager
    def loan(self) -> Iterator[Loan]:
        """Lend memory to a request until the block ends."""
        loan = Loan()
        try:
            yield loan
        finally:
            self._free += loan.n_bytes

    def take(self, loan: Loan, n_bytes: int) -> None:
        """Lend more of it.

        Raises
        ------
        BusyError
            If there is none.
        """
        if n_bytes > self._free:
            raise BusyError
        self._free -= n_bytes
        loan.n_bytes += n_bytes


@dataclass
class Loan:
    """What a request has of the memory."""

    n_bytes: int = 0


class _Parser(MultiPartParser):
    spool_max_size = 2**62  # never a file on disk


async def read_uploads(
    request: Request, limits: Limits, memory: Memory, loan: Loan
) -> list[Upload]:
    """Read the pictures of a request, and no more of it than is allowed.

    Raises
    ------
    RefusedError
        If it is too large, of another kind, or not what its kind should be.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "identity")
    if kind not in ("multipart/form-data", "application/json"):
        raise RefusedError(
            415,
            "The content type is not one that is read: expected multipart/form-data "
            "with files, or application/json.",
        )
    if encoding != "identity":
        raise RefusedError(415, "Content-Encoding is not supported: send it as it is.")
    if int(request.headers.get("content-length", 0)) > limits.max_bytes:
        raise _too_large(limits)
    body = _body(request, limits, memory, loan)
    if kind == "application/json":
        content = bytearray()
        async for chunk in body:
            content += chunk
        uploads = await run_in_threadpool(_from_json, content, limits)
    else:
        uploads = await _from_form(request, body, limits)
    if not uploads:
        raise RefusedError(422, "There is no picture in the request: send one or more.")
    return uploads


async def _body(
    request: Request, limits: Limits, memory: Memory, loan: Loan
) -> AsyncGenerator[bytes]:
    n_bytes = 0
    async for chunk in request.stream():
        n_bytes += len(chunk)
        if n_bytes > limits.max_bytes:
            raise _too_large(limits)
        memory.take(loan, len(chunk))
        yield chunk


async def _from_form(
    request: Request, body: AsyncGenerator[bytes], limits: Limits
) -> list[Upload]:
    parser = _Parser(
        request.headers, body, max_files=limits.max_pictures + 1, max_fields=8
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            raise _too_many(limits) from error
        raise RefusedError(
            422,
            "The form cannot be read: expected multipart/form-data as browsers and "
            "curl --form send it, each picture a file.",
        ) from error
    try:
        return [upload async for upload in _files(form, limits)]
    finally:
        await form.close()


async def _files(form: FormData, limits: Limits) -> AsyncGenerator[Upload]:
    count = 0
    for field, value in form.multi_items():
        if not isinstance(value, UploadFile):
            raise RefusedError(
                422,
                f"The field {shown(field)[:_LONGEST_NAME]!r} is a text, expected a "
                "file; nothing is read from paths or addresses.",
            )
        content = await value.read()
        if not value.filename and not content:  # a form in which nothing was chosen
            continue
        count += 1
        if count > limits.max_pictures:
            raise _too_many(limits)
        yield Upload(_name(value.filename, count), content)


def _from_json(body: bytes | bytearray, limits: Limits) -> list[Upload]:
    # Each part may be two bytes here, and a hundred once it is read.
    if sum(map(body.count, (b"[", b"{", b","))) > _PARTS_OF_PICTURE * (
        limits.max_pictures + 1
    ):
        raise RefusedError(422, f"The JSON has too many parts: {_EXPECTED}.")
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(422, f"The body is no JSON: {_EXPECTED}.") from error
    if not isinstance(sent, dict) or not isinstance(sent.get("pictures"), list):
        raise RefusedError(422, f"The JSON is of another form: {_EXPECTED}.")
    if others := sent.keys() - {"pictures"}:
        raise RefusedError(422, f"{_unknown(others)}: {_EXPECTED}.")
    if len(sent["pictures"]) > limits.max_pictures:
        raise _too_many(limits)
    return [_of_json(i, picture) for i, picture in enumerate(sent["pictures"], 1)]


def _of_json(number: int, picture: Any) -> Upload:
    where = f"Picture {number} of the JSON"
    if not isinstance(picture, dict) or not isinstance(picture.get("content"), str):
        raise RefusedError(422, f"{where} is of another form: {_EXPECTED}.")
    if others := picture.keys() - {"name", "content"}:
        raise RefusedError(422, f"{where}: {_unknown(others).lower()}; {_EXPECTED}.")
    name = picture.get("name")
    if not isinstance(name, str | None):
        raise RefusedError(422, f"{where}: the name is no text; {_EXPECTED}.")
    try:
        # Encoders of old break lines.
        text = picture["content"].replace("\n", "").replace("\r", "")
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError(
            422,
            f"{where}: its content is not base64 of a file; nothing is read from paths "
            "or addresses, those that begin with data: among them.",
        ) from error
    return Upload(_name(name, number), content)


def _name(given: str | None, number: int) -> str:
    """Give the last part of the name of a file, which is never looked for."""
    last = PureWindowsPath(PurePosixPath(given or "").name).name
    return shown(last)[:_LONGEST_NAME] or f"picture {number}"


def _unknown(keys: set[str]) -> str:
    names = ", ".join(repr(shown(key)[:40]) for key in sorted(keys)[:3])
    return f"{names} {'is' if len(keys) == 1 else 'are'} not known"


def _too_large(limits: Limits) -> RefusedError:
    return RefusedError(
        413,
        f"The request is larger than {limits.max_bytes / 2**20:,.4g} MiB: send fewer "
        "pictures at once, or smaller ones.",
    )


def _too_many(limits: Limits) -> RefusedError:
    at_most = counted(limits.max_pictures, "picture")
    return RefusedError(
        413, f"A request may have {at_most}, this one has more: send fewer at once."
    )
