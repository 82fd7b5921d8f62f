"""The description of the interface, as OpenAPI 3.1 has it."""

from __future__ import annotations

from typing import Any, Final

from skresnet import __version__
from skresnet.server.uploads import Limits

_WORDS: Final = {
    403: "Another origin, or another name than the server goes by.",
    408: "The request took too long to arrive.",
    413: "The request is larger, or has more pictures, than the server takes.",
    415: "The body is neither a form with files nor JSON.",
    422: "The body is not what its kind should be, or a parameter has no such value.",
    500: "The server has a fault.",
    503: "The server is busy, see Retry-After, or has stopped.",
}


def description(limits: Limits) -> dict[str, Any]:
    """Describe the interface of a server with these limits."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "skresnet",
            "version": __version__,
            "description": "Classes of pictures, by a model that was trained with "
            "skresnet. Nothing is read from paths or addresses, and no picture is "
            "kept.",
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": "./"}],
        "paths": {
            "/predict": {"post": _predict(limits)},
            "/model": {
                "get": _operation(
                    "model", "What the model knows, and what the server takes.", "Model"
                )
            },
            "/health": {
                "get": _operation(
                    "health", "Whether pictures will be predicted.", "Health", 503
                )
            },
        },
        "components": {
            "schemas": {**_schemas(limits), "Error": _object(error=_text())},
            "responses": {
                f"Error{status}": _response(words, "Error")
                for status, words in _WORDS.items()
            },
        },
    }


def _predict(limits: Limits) -> dict[str, Any]:
    operation = _operation(
        "predict",
        "The classes of pictures, the most probable first.",
        "Predictions",
        *(408, 413, 415, 422, 500, 503),
    )
    operation["description"] = (
        "The answers are in the order of the pictures. One that cannot be read has an "
        f"error instead of predictions. A request has at most {limits.max_bytes:,} "
        f"bytes, and arrives within {limits.max_seconds:g} seconds."
    )
    operation["parameters"] = [
        {
            "name": "top",
            "in": "query",
            "description": "How many classes to name. All, if it is left out.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        },
        {
            "name": "thumbnail",
            "in": "query",
            "description": "Whether to send each picture back, small and upright.",
            "schema": {"type": "boolean", "default": False},
        },
        {
            "name": "activation",
            "in": "query",
            "description": "Whether to show which parts of each picture speak for the "
            "class that is predicted. It takes longer.",
            "schema": {"type": "boolean", "default": False},
        },
    ]
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    files = {"type": "array", "items": file, "maxItems": limits.max_pictures}
    form = {
        "type": "object",
        "description": "Files, whatever their fields are called.",
        "properties": {"pictures": files},
    }
    operation["requestBody"] = {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form},
            "application/json": {"schema": _reference("Pictures")},
        },
    }
    return operation


def _schemas(limits: Limits) -> dict[str, Any]:
    content = {
        **_text("The content of the file, in base64."),
        "contentEncoding": "base64",
    }
    sent = _object(content=content, optional={"name": _text("What to call it.")})
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    prediction = _object(**{"class": _text(), "probability": probability})
    predicted = _object(
        name=_text("The last part of the name that was sent."),
        predictions=_array(prediction),
        optional={
            "novelty": {
                "type": "number",
                "description": "Above 1, the picture is unlike all of the training. "
                "Missing where the model does not know them.",
            },
            "is_novel": {
                "type": "boolean",
                "description": "Whether it exceeds 1.",
            },
            "warning": _text("What looks like a mistake about the picture."),
            "thumbnail": _text("The picture as JPEG, in an address of the kind data:"),
            "activation": _text(
                "A grey JPEG of the shape of the thumbnail, in an address of the kind "
                "data:, light where the picture speaks for its first class."
            ),
        },
    )
    unreadable = _object(name=_text(), error=_text("Why it cannot be read."))
    number = {"type": "integer", "minimum": 1}
    return {
        "Pictures": _object(
            pictures={**_array(sent), "minItems": 1, "maxItems": limits.max_pictures}
        ),
        "Predictions": _object(
            pictures=_array(
                {"oneOf": [_reference("Predicted"), _reference("Unreadable")]}
            )
        ),
        "Predicted": predicted,
        "Unreadable": unreadable,
        "Model": _object(
            name=_text(),
            classes=_array(_text()),
            network=_text(),
            input_size={
                **_array(number),
                "description": "Height and width in pixels.",
                "minItems": 2,
                "maxItems": 2,
            },
            aspect={"enum": ["stretch", "crop", "pad"]},
            has_novelty={"type": "boolean"},
            limits=_object(
                max_bytes=number,
                max_pictures=number,
                max_seconds={"type": "number", "exclusiveMinimum": 0},
            ),
            version=_text(),
        ),
        "Health": _object(status={"const": "ok"}, version=_text()),
    }


def _operation(name: str, summary: str, schema: str, *errors: int) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": _response("Done.", schema),
            **{
                str(status): {"$ref": f"#/components/responses/Error{status}"}
                for status in (403, *errors)
            },
        },
    }


def _response(words: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": _reference(schema)}}
    return {"description": words, "content": content}


def _object(optional: dict[str, Any] | None = None, **required: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _text(words: str = "") -> dict[str, Any]:
    return {"type": "string"} | ({"description": words} if words else {})


def _reference(schema: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{schema}"}
