"""The forms in which predictions are written."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from skresnet.cli.rows import shown


class Prediction(NamedTuple):
    """The most probable classes of a picture, or why it cannot be read."""

    path: str
    best: list[tuple[str, float]]
    error: str | None


class Style(Protocol):
    """One form."""

    def header(self) -> str:
        """Give the text in front of all predictions."""

    def line(self, prediction: Prediction) -> str:
        """Give the text of one prediction, with its line break."""


class Table:
    """Columns for people: classes with their probabilities, then the path."""

    def __init__(self, classes: Sequence[str], top: int) -> None:
        self._width = max(len(shown(str(name))) for name in classes)
        self._top = min(top, len(classes))

    def header(self) -> str:
        """Give the names of the columns."""
        name = f"{'class':{self._width}}"
        columns = f"{name}  prob.  "
        return columns * self._top + "picture\n"

    def line(self, prediction: Prediction) -> str:
        """Give the row of a picture."""
        if prediction.error is not None:
            return f"UNREADABLE  {shown(prediction.path)}: {prediction.error}\n"
        columns = "".join(
            f"{shown(name):{self._width}}  {probability:5.3f}  "
            for name, probability in prediction.best
        )
        return f"{columns}{shown(prediction.path)}\n"


class Csv:
    """CSV with the columns path, class, probability, class_2, ... and error."""

    def __init__(self, classes: Sequence[str], top: int) -> None:
        self._top = min(top, len(classes))

    def header(self) -> str:
        """Give the names of the columns."""
        names = ["path", "class", "probability"]
        for rank in range(2, self._top + 1):
            names += [f"class_{rank}", f"probability_{rank}"]
        return _csv_line([*names, "error"])

    def line(self, prediction: Prediction) -> str:
        """Give the row of a picture."""
        cells: list[str] = []
        for name, probability in prediction.best:
            cells += [name, f"{probability:.6g}"]
        cells += [""] * (2 * self._top - len(cells))
        return _csv_line([prediction.path, *cells, prediction.error or ""])


class JsonLines:
    """One JSON object a picture, with path and either predictions or error."""

    def __init__(self, classes: Sequence[str], top: int) -> None:
        pass

    def header(self) -> str:
        """Give nothing: each line names its values."""
        return ""

    def line(self, prediction: Prediction) -> str:
        """Give the object of a picture."""
        content: dict[str, object] = {"path": prediction.path}
        if prediction.error is None:
            content["predictions"] = [
                {"class": name, "probability": round(probability, 6)}
                for name, probability in prediction.best
            ]
        else:
            content["error"] = prediction.error
        return json.dumps(content) + "\n"


FORMATS: dict[str, Callable[[Sequence[str], int], Style]] = {
    "table": Table,
    "csv": Csv,
    "jsonl": JsonLines,
}


def _csv_line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
