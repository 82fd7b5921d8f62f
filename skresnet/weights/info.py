"""The weights that have a name: what they are, and whether they are at hand."""

from dataclasses import dataclass

from skresnet.weights import distilled, imagenet
from skresnet.weights.files import file_digest, is_whole


@dataclass(frozen=True)
class WeightsInfo:
    """What there is to know of weights without loading them, see below."""

    name: str
    parameter: str | None
    description: str
    available_offline: bool
    path: str | None = None
    size: int | None = None
    digest: str | None = None
    host: str | None = None


def load_weights_info() -> list[WeightsInfo]:
    """List the weights that have a name, and tell which of them need a network.

    Nothing is downloaded, and TensorFlow is not imported. A file that is there is read
    to compare its digest.

    Returns
    -------
    infos : list of WeightsInfo
        One each for ``"imagenet"``, ``"distilled"`` and ``"random"``, with the
        attributes

        name : str
            As in ``weights_.name`` of a fitted `ResNet50Embedder`.
        parameter : str or None
            What the parameter ``weights`` has to be, None for random weights.
        description : str
            What they are.
        available_offline : bool
            Whether they are on this machine, whole and unchanged.
        path : str or None
            Where their file is or would be; None for random weights.
        size : int or None
            Bytes of the file; None for random weights.
        digest : str or None
            The SHA-256 of the file in hexadecimal. None for random weights, and for
            those of ImageNet until they are here.
        host : str or None
            Where they would be downloaded from on first use; None if they never are.

    Examples
    --------
    >>> from skresnet import load_weights_info
    >>> [info.name for info in load_weights_info()]
    ['imagenet', 'distilled', 'random']
    """
    return [
        _imagenet(),
        _distilled(),
        WeightsInfo(
            "random",
            None,
            "drawn from random_state, never trained",
            available_offline=True,
        ),
    ]


def _imagenet() -> WeightsInfo:
    path = imagenet.imagenet_path()
    here = imagenet.imagenet_is_cached()
    return WeightsInfo(
        "imagenet",
        "imagenet",
        "trained on ImageNet, as Keras publishes them",
        available_offline=here,
        path=str(path),
        size=imagenet.BYTES,
        digest=file_digest(path) if here else None,
        host=imagenet.HOST,
    )


def _distilled() -> WeightsInfo:
    path = distilled.distilled_path()
    return WeightsInfo(
        "distilled",
        "distilled",
        "trained after a smaller network; they come with this package",
        available_offline=is_whole(path, distilled.SHA256),
        path=str(path),
        size=path.stat().st_size if path.is_file() else None,
        digest=distilled.SHA256,
    )
