"""The weights that have a name: what they are, and whether they are at hand."""

from dataclasses import dataclass
from pathlib import Path

from skresnet.weights import distilled, imagenet, lite0
from skresnet.weights.files import file_digest, is_whole


@dataclass(frozen=True)
class WeightsInfo:
    """What there is to know of weights without loading them, see below."""

    name: str
    network: str | None
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
        One each for ``"imagenet"``, ``"lite0"``, ``"distilled"`` and ``"random"``, with
        the attributes

        name : str
            As in ``weights_.name`` of a fitted embedder.
        network : str or None
            The network that they are of, as `make_image_classifier` takes it; None for
            random weights, which any can have.
        parameter : str or None
            What the parameter ``weights`` has to be, None for random weights.
        description : str
            What they are.
        available_offline : bool
            Whether they are on this machine, whole and unchanged.
        path : str or None
            Where their file is or would be; None for random weights, and where the
            package that brings them is not installed.
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
    ['imagenet', 'lite0', 'distilled', 'random']
    """
    return [
        _imagenet(),
        _packaged(
            "lite0",
            "efficientnet_lite0",
            "imagenet",
            "trained on ImageNet, as the package " + lite0.PACKAGE + " brings them",
            lite0.lite0_path(),
            lite0.SHA256,
        ),
        _packaged(
            "distilled",
            "resnet50",
            "distilled",
            "trained after a smaller network; they come with this package",
            distilled.distilled_path(),
            distilled.SHA256,
        ),
        WeightsInfo(
            "random",
            None,
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
        "resnet50",
        "imagenet",
        "trained on ImageNet, as Keras publishes them",
        available_offline=here,
        path=str(path),
        size=imagenet.BYTES,
        digest=file_digest(path) if here else None,
        host=imagenet.HOST,
    )


def _packaged(
    name: str,
    network: str,
    parameter: str,
    description: str,
    path: Path | None,
    digest: str,
) -> WeightsInfo:
    return WeightsInfo(
        name,
        network,
        parameter,
        description,
        available_offline=path is not None and is_whole(path, digest),
        path=str(path) if path else None,
        size=path.stat().st_size if path and path.is_file() else None,
        digest=digest,
    )
