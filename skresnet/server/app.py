"""The ASGI application: what is asked for, what is answered, what is refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Final

from joblib import effective_n_jobs
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from skresnet import __version__
from skresnet.reading import PictureError
from skresnet.server.batches import Batches
from skresnet.server.guard import Guard
from skresnet.server.openapi import description
from skresnet.server.predictor import Answer, Predictor, Wanted
from skresnet.server.refusals import BusyError, ErrorResponse, RefusedError
from skresnet.server.uploads import Limits, Memory, Upload, read_uploads

_LOG: Final = logging.getLogger(__name__)


def make_app(
    model: Any,
    *,
    name: str = "model",
    limits: Limits | None = None,
    hosts: Sequence[str] | None = None,
    false_alarm_rate: float = 0.01,
    batch_size: int = 16,
    n_jobs: int | None = -1,
) -> Starlette:
    """Make an ASGI application that predicts the pictures that it is sent.

    Parameters
    ----------
    model : Pipeline
        A fitted classifier of pictures, as `make_image_classifier` makes it, or a
        search over one. It is left as it is. Its network is built here.

    name : str, default="model"
        What the page calls the model.

    limits : Limits, default=None
        What a request may take; None is ``Limits()``.

    hosts : sequence of str, default=None
        The names by which the server may be asked, such as ``["localhost"]``, without
        port; None is any.

    false_alarm_rate : float, default=0.01
        The share of pictures like those of the training that may be called unlike
        them, see `ResNet50Embedder.novelty`.

    batch_size : int, default=16
        Most pictures that go through the network at once.

    n_jobs : int or None, default=-1
        Threads that read pictures ahead of the network, as joblib counts.

    Returns
    -------
    app : starlette.applications.Starlette
        For one process: the network is built once in each.

    Raises
    ------
    TypeError
        If the model is of another kind.

    WeightsUnavailableError, EngineUnavailableError
        If the model cannot predict on this machine.
    """
    limits = limits or Limits()
    predictor = Predictor(model, false_alarm_rate=false_alarm_rate)
    predictor.warm_up()
    batches = Batches(
        predictor, batch_size=batch_size, n_readers=effective_n_jobs(n_jobs)
    )
    service = _Service(predictor, batches, limits, name)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        batches.start()
        yield
        await asyncio.to_thread(batches.close)

    return Starlette(
        routes=[
            *_page_routes(),
            Route("/openapi.json", _constant_json(description(limits))),
            Route("/model", service.model),
            Route("/health", service.health),
            Route("/predict", service.predict, methods=["POST"]),
        ],
        lifespan=lifespan,
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={
            RefusedError: _refusal,
            HTTPException: _no_such_thing,
            Exception: _fault,
        },
    )


class _Service:
    """What the addresses of the interface answer."""

    def __init__(
        self, predictor: Predictor, batches: Batches, limits: Limits, name: str
    ) -> None:
        self._predictor = predictor
        self._batches = batches
        self._limits = limits
        self._memory = Memory(limits)
        self._name = name

    async def health(self, request: Request) -> Response:
        if not self._batches.is_alive:
            return ErrorResponse(503, "The network has stopped: start the server anew.")
        return JSONResponse({"status": "ok", "version": __version__})

    async def model(self, request: Request) -> Response:
        resizing = self._predictor.resizing
        return JSONResponse(
            {
                "name": self._name,
                "classes": self._predictor.classes,
                "network": self._predictor.network,
                "input_size": resizing.input_size,
                "aspect": resizing.aspect,
                "has_novelty": self._predictor.has_novelty,
                "limits": {
                    "max_bytes": self._limits.max_bytes,
                    "max_pictures": self._limits.max_pictures,
                    "max_seconds": self._limits.max_seconds,
                },
                "version": __version__,
            }
        )

    async def predict(self, request: Request) -> Response:
        try:
            return await self._predict(request)
        except asyncio.CancelledError as error:  # by the server, whose time is over
            raise _ending() from error

    async def _predict(self, request: Request) -> Response:
        top = _whole_number(request, "top", len(self._predictor.classes))
        wanted = Wanted(*(_yes_or_no(request, name) for name in Wanted._fields))
        with self._memory.loan() as loan:
            try:
                async with asyncio.timeout(self._limits.max_seconds):
                    uploads = await read_uploads(
                        request, self._limits, self._memory, loan
                    )
            except TimeoutError as error:
                raise RefusedError(
                    408,
                    "The request took too long to arrive, more than "
                    f"{self._limits.max_seconds:g} s: send fewer pictures at once.",
                ) from error
            except ClientDisconnect:
                return Response(status_code=400)  # which nobody will read
            futures = self._submitted(uploads, wanted)
            answers = await self._awaited(request, futures)
        if answers is None:
            return Response(status_code=400)
        made = [
            self._answer(upload.name, answer, top)
            for upload, answer in zip(uploads, answers, strict=True)
        ]
        return JSONResponse({"pictures": made})

    def _submitted(self, uploads: list[Upload], wanted: Wanted) -> list[Future[Answer]]:
        futures: list[Future[Answer]] = []
        try:
            for upload in uploads:
                futures.append(self._batches.submit(*upload, wanted))
        except BusyError:
            for future in futures:
                future.cancel()
            raise
        return futures

    async def _awaited(
        self, request: Request, futures: list[Future[Answer]]
    ) -> list[Answer | BaseException] | None:
        """Wait for answers; None if nobody waits for them any longer."""
        wrapped = [asyncio.wrap_future(future) for future in futures]
        answers = asyncio.gather(*wrapped, return_exceptions=True)
        gone = asyncio.create_task(_disconnected(request))
        either: set[asyncio.Future[Any]] = {answers, gone}
        try:
            await asyncio.wait(
                either,
                timeout=self._limits.max_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if answers.done():
                return answers.result()
            if gone.done():
                return None
            raise BusyError
        finally:
            gone.cancel()
            for future in wrapped:
                future.cancel()  # what is not at work yet

    def _answer(
        self, name: str, answer: Answer | BaseException, top: int
    ) -> dict[str, Any]:
        if isinstance(answer, PictureError):
            return {"name": name, "error": str(answer)}
        if isinstance(answer, asyncio.CancelledError):
            raise _ending()
        if isinstance(answer, BaseException):
            raise answer
        best = (-answer.probabilities).argsort(kind="stable")[:top]
        made: dict[str, Any] = {
            "name": name,
            "predictions": [
                {
                    "class": self._predictor.classes[i],
                    "probability": round(float(answer.probabilities[i]), 6),
                }
                for i in best
            ],
        }
        if answer.novelty is not None:
            made["novelty"] = round(answer.novelty, 6)
            made["is_novel"] = answer.novelty > 1
        others = {
            "warning": answer.remark,
            "thumbnail": answer.thumbnail,
            "activation": answer.activation,
        }
        return made | {name: it for name, it in others.items() if it is not None}


def _ending() -> RefusedError:
    return RefusedError(503, "The server is about to end.")


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _whole_number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise RefusedError(422, f"{name} is no whole number above 0.")
    return int(text)


def _yes_or_no(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise RefusedError(422, f"{name} is neither true nor false.")
    return text == "true"


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return ErrorResponse(error.status, error.message)


async def _no_such_thing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    messages = {
        404: "There is nothing at this address; /openapi.json describes those there "
        "are.",
        405: "This address takes another method; see /openapi.json.",
    }
    message = messages.get(error.status_code, error.detail)
    response = ErrorResponse(error.status_code, message)
    response.headers.update(error.headers or {})
    return response


async def _fault(request: Request, error: Exception) -> Response:
    _LOG.error("A request could not be answered.", exc_info=error)
    return ErrorResponse(500, "The server has a fault; what happened is in its log.")


_PAGE: Final = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def _page_routes() -> list[Route]:
    folder = files("skresnet.server")
    style = files("skresnet.report").joinpath("style.css").read_bytes()
    return [
        *(
            Route(address, _constant(folder.joinpath(file).read_bytes(), kind))
            for address, (file, kind) in _PAGE.items()
        ),
        Route("/style.css", _constant(style, "text/css")),
    ]


def _constant(content: bytes, kind: str) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


def _constant_json(content: Any) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        return JSONResponse(content)

    return answer
