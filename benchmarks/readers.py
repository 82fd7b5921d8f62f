"""Ways from a folder of files to features.

Every function here prepares one and returns a callable that goes through the folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines import embedder_class, skresnet_backbone, skresnet_embedder
from benchmarks.measure import Run, library
from benchmarks.network import settings
from benchmarks.photographs import paths
from skresnet.backbone import Engine, Precision


def skresnet_folder(
    folder: Path,
    side: int,
    precision: Precision,
    engine: Engine = "tensorflow",
    n_jobs: int | None = -1,
    network: str = "resnet50",
) -> Run:
    """Prepare the embedder, as a user makes it."""
    library(engine)
    files = paths(folder)
    embedder = embedder_class(network)(
        weights=None,
        random_state=0,
        input_size=side,
        precision=precision,
        engine=engine,
        n_jobs=n_jobs,
    ).fit(files)
    return lambda: embedder.transform(files)


def skresnet_array(
    folder: Path,
    side: int,
    precision: Precision,
    engine: Engine = "tensorflow",
    network: str = "resnet50",
) -> Run:
    """Prepare the embedder on the same pictures, decoded before the clock."""
    return skresnet_embedder(_decoded(folder, side), 32, network, precision, engine)


def skresnet_network(
    folder: Path, side: int, precision: Precision, network: str = "resnet50"
) -> Run:
    """Prepare the network alone on the same pictures, decoded before the clock."""
    return skresnet_backbone(_decoded(folder, side), 32, network, precision)


def image_data_generator(folder: Path, side: int, batch_size: int) -> Run:
    """Prepare ImageDataGenerator and predict, as notebooks of Keras 2 do."""
    legacy = library("keras.src.legacy.preprocessing.image")
    model = _keras_model(side)
    flow = legacy.ImageDataGenerator().flow_from_directory(
        folder,
        target_size=(side, side),
        batch_size=batch_size,
        class_mode="categorical",
        shuffle=False,
    )

    def run() -> NDArray[np.float32]:
        flow.reset()
        features: NDArray[np.float32] = model.predict(flow, verbose=0)
        return features

    return run


def image_dataset(folder: Path, side: int) -> Run:
    """Prepare Keras' reader of today, which decodes in parallel in tf.data."""
    import keras

    model = _keras_model(side)
    dataset = keras.utils.image_dataset_from_directory(
        folder,
        labels=None,
        image_size=(side, side),
        batch_size=32,
        shuffle=False,
        verbose=False,
    ).map(keras.applications.resnet.preprocess_input)
    return lambda: model.predict(dataset, verbose=0)


def embetter(folder: Path) -> Run:
    """Prepare embetter's ImageLoader and TimmEncoder, with random weights."""
    vision = library("embetter.vision")
    library("timm")
    encoder = vision.TimmEncoder.__new__(vision.TimmEncoder)
    _set_up_without_download(encoder)
    loader = vision.ImageLoader()
    files = paths(folder)
    return lambda: encoder.transform(loader.transform(files))


def _set_up_without_download(encoder: Any) -> None:
    """Do what TimmEncoder's constructor does, but for pretrained=True."""
    timm = library("timm")
    encoder.name, encoder.encode_predictions = "resnet50", False
    encoder.model = timm.create_model("resnet50", pretrained=False, num_classes=0)
    encoder.config = library("timm.data").resolve_data_config({}, model=encoder.model)
    encoder.transform_img = library("timm.data.transforms_factory").create_transform(
        **encoder.config
    )


def _decoded(folder: Path, side: int) -> NDArray[np.uint8]:
    from skresnet.reading import Resizing, as_pictures

    resizing = Resizing(input_size=(side, side))
    return np.stack(
        [picture.load().pixels(resizing) for picture in as_pictures(paths(folder))]
    )


def _keras_model(side: int) -> Any:
    from skresnet.backbone import keras_model

    model = keras_model(settings("resnet50", side=side))
    # Without a call of compile Keras lets XLA compile predict, which is slower here.
    model.compile(jit_compile=False)
    return model
