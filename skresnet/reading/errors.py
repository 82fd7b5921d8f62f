"""What is said about pictures that cannot be read."""

from collections.abc import Iterable
from typing import Final, NamedTuple

_LISTED: Final = 20


class Failure(NamedTuple):
    """One picture that could not be read.

    Attributes
    ----------
    position : int
        Its index in X.
    path : str or None
        Its path as it was given, None for an array or a PIL image.
    cause : str
        What is wrong with it, in words.
    """

    position: int
    path: str | None
    cause: str

    def __str__(self) -> str:
        # repr keeps a newline or an undecodable byte in a name from spoiling the text.
        path = "" if self.path is None else f" ({self.path!r})"
        return f"X[{self.position}]{path}: {self.cause}"


class UnreadableImageError(ValueError):
    """Pictures of X cannot be read.

    Parameters
    ----------
    failures : iterable of Failure
        The pictures concerned. Several errors become one by handing on the failures
        of all of them.

    Attributes
    ----------
    failures : list of Failure
        The pictures concerned, in the order of X.
    """

    def __init__(self, failures: Iterable[Failure]) -> None:
        self.failures = sorted(failures, key=lambda failure: failure.position)
        # What args holds is what unpickling in another process calls __init__ with.
        super().__init__(self.failures)

    def __str__(self) -> str:
        count = len(self.failures)
        lines = [
            "1 picture cannot be read:"
            if count == 1
            else f"{count} pictures cannot be read:"
        ]
        lines += [f"  {failure}" for failure in self.failures[:_LISTED]]
        if count > _LISTED:
            lines.append(f"  ... and {count - _LISTED} more")
        lines.append(
            'Remove them from X, or pass on_error="nan" to go on without them.'
        )
        return "\n".join(lines)


class PictureError(ValueError):
    """No pixels can come of a picture, for the cause in the text.

    It never leaves this package as such: who goes through the pictures of X knows
    which one it is, and makes a `Failure` of it with `failure_of`.
    """
