"""A fitted model as a server uses it: pictures are read singly, predicted together."""

from __future__ import annotations

from base64 import b64encode
from copy import copy
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.pipeline import Pipeline

from skresnet.displays.thumbnails import thumbnails
from skresnet.inspection import class_activation_maps, known_layers
from skresnet.pipeline import fitted_image_pipeline
from skresnet.reading import Failure, PictureError, Resizing, as_pictures, layout
from skresnet.text import shown

_THUMBNAIL_SIDE = 512


class Wanted(NamedTuple):
    """What an answer shall have besides classes.

    Attributes
    ----------
    thumbnail : bool
        The picture, small and upright.
    activation : bool
        Which parts of it speak for the predicted class, in the same shape.
    """

    thumbnail: bool = False
    activation: bool = False


_NOTHING: Final = Wanted()


@dataclass
class ReadPicture:
    """A picture that was read and brought to size before its batch came together.

    It is a `skresnet.reading.Picture` as well as one that is loaded.
    """

    path: str
    contents_digest: bytes = field(repr=False)
    prepared: NDArray[Any] = field(repr=False)
    remark: str | None = None
    wanted: Wanted = _NOTHING
    thumbnail: Image.Image | None = field(default=None, repr=False)
    position: int = 0

    @property
    def label(self) -> str:
        """Name the picture."""
        return self.path

    def check(self) -> None:
        """Do nothing: it could be read."""

    def load(self) -> Self:
        """Return the picture, which is in memory."""
        return self

    def digest(self) -> bytes:
        """Give what stands for the bytes of its file."""
        return self.contents_digest

    def pixels(self, resizing: Resizing) -> NDArray[Any]:
        """Give the pixels, which have the size of the network already."""
        return self.prepared

    def suspicion(self) -> str | None:
        """Say nothing in a warning: the answer has the remark."""
        return None


class Answer(NamedTuple):
    """What a model says of a picture.

    Attributes
    ----------
    probabilities : ndarray of shape (n_classes,)
        One for each class.
    novelty : float or None
        Above 1, the picture is unlike all of the training; None where that is not
        known.
    remark : str or None
        What looks like a mistake about the picture.
    thumbnail, activation : str or None
        What was wanted, as an address that holds a JPEG; the second is light where
        something speaks for the class.
    """

    probabilities: NDArray[Any]
    novelty: float | None
    remark: str | None
    thumbnail: str | None
    activation: str | None


class Predictor:
    """A fitted Pipeline that reads no file, keeps nothing and warns of nothing.

    Parameters
    ----------
    model : Pipeline
        A fitted classifier of pictures with ``predict_proba``, as
        `make_image_classifier` makes it, or a search over one. It is left as it is.

    false_alarm_rate : float, default=0.01
        As of `ResNet50Embedder.novelty`.

    Raises
    ------
    TypeError
        If the model is no such Pipeline.
    """

    def __init__(self, model: Any, *, false_alarm_rate: float = 0.01) -> None:
        model = fitted_image_pipeline(model, "cannot be served")
        self._embedder = copy(model[0]).set_params(
            cache=None, n_jobs=None, on_error="nan", allow_paths=False, verbose=0
        )
        steps = [(model.steps[0][0], self._embedder), *model.steps[1:]]
        self._model = Pipeline(steps)
        self._false_alarm_rate = false_alarm_rate
        self.classes = [shown(name) for name in model.classes_]
        self.has_novelty = self._embedder.seen_.detector is not None
        self.network = self._embedder._network.name
        self.resizing: Resizing = self._embedder._resizing
        # In passes through the network, which are what takes time.
        self._activation_cost = 3 if known_layers(self._model) is not None else 51

    def read(self, name: str, content: bytes, wanted: Wanted) -> ReadPicture:
        """Read a picture from the content of its file.

        Raises
        ------
        PictureError
            If it cannot be read.
        """
        encoded: Any = {"bytes": content, "path": name}
        picture = as_pictures([encoded], allow_paths=False)[0]
        picture.check()
        loaded = picture.load()
        pixels = loaded.pixels(self.resizing)
        shown_small = None
        if any(wanted):
            made = thumbnails([picture], _THUMBNAIL_SIDE)[0]
            if isinstance(made, Failure):
                raise PictureError(made.cause)
            shown_small = made
        return ReadPicture(
            name, loaded.digest(), pixels, loaded.suspicion(), wanted, shown_small
        )

    def cost(self, picture: ReadPicture) -> int:
        """Tell as how many pictures it counts in a batch."""
        return self._activation_cost if picture.wanted.activation else 1

    def predict(self, pictures: list[ReadPicture]) -> list[Answer]:
        """Predict a batch of pictures."""
        for position, picture in enumerate(pictures):
            picture.position = position
        self._embedder.batch_size = max(1, len(pictures))
        embedded = self._embedder._embed(pictures)
        features = self._embedder._as_output(embedded.rows)
        probabilities = self._model[1:].predict_proba(features)
        novelty: list[float | None] = [None] * len(pictures)
        if self.has_novelty:
            seen = self._embedder.seen_
            novelty = seen.novelty(embedded, self._false_alarm_rate).tolist()
        activations = self._activations(pictures)
        return [
            Answer(
                probabilities[i],
                novelty[i],
                picture.remark,
                _address(picture.thumbnail)
                if picture.wanted.thumbnail and picture.thumbnail
                else None,
                activations.get(i),
            )
            for i, picture in enumerate(pictures)
        ]

    def _activations(self, pictures: list[ReadPicture]) -> dict[int, str]:
        wanting = [i for i, each in enumerate(pictures) if each.wanted.activation]
        if not wanting:
            return {}
        pixels = [pictures[i].prepared for i in wanting]
        maps = class_activation_maps(self._model, pixels).maps
        found = {}
        for i, activation in zip(wanting, maps, strict=True):
            thumbnail = pictures[i].thumbnail
            assert thumbnail is not None
            found[i] = _address(_placed(activation, thumbnail.size, self.resizing))
        return found

    def warm_up(self) -> None:
        """Predict a black picture, so that the network is built and found to work."""
        black = np.zeros((*self.resizing.input_size, 3), np.uint8)
        self.predict([ReadPicture("black", b"black", black)])


def _placed(
    activation: NDArray[Any], size: tuple[int, int], resizing: Resizing
) -> Image.Image:
    """Bring what is about the picture as the network sees it to the picture's shape.

    What the network does not see is black.
    """
    (left, top, right, bottom), (width, height) = layout(size, resizing)
    share = activation / max(float(activation.max()), np.finfo(np.float32).tiny)
    seen = Image.fromarray(np.rint(255 * share).astype(np.uint8))
    x, y = (seen.width - width) // 2, (seen.height - height) // 2
    part = seen.resize(
        (right - left, bottom - top),
        Image.Resampling.BILINEAR,
        box=(x, y, x + width, y + height),
    )
    placed = Image.new("L", size)
    placed.paste(part, (left, top))
    return placed


def _address(image: Image.Image) -> str:
    """Write a picture as an address that holds it."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode('ascii')}"
