import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skresnet.backbone import (
    BackboneSettings,
    keras_model,
    load_backbone,
)
from skresnet.weights import WeightsUnavailableError, resolve_weights


def settings_for(seed, layer="conv2_block1_out"):
    return BackboneSettings(
        resolve_weights(None, seed=seed), layer, input_size=(64, 64)
    )


def test_threads_that_ask_at_once_get_the_one_backbone():
    barrier = threading.Barrier(6)

    def ask(_):
        barrier.wait(timeout=30)
        return load_backbone(settings_for(101))

    with ThreadPoolExecutor(6) as pool:
        backbones = list(pool.map(ask, range(6)))
    assert all(backbone is backbones[0] for backbone in backbones)


def test_threads_may_compute_at_once(pictures):
    backbone = load_backbone(settings_for(101))
    expected = backbone(pictures)
    with ThreadPoolExecutor(4) as pool:
        for features in pool.map(backbone, [pictures] * 8):
            np.testing.assert_allclose(features, expected, rtol=1e-5)


def test_a_backbone_that_is_used_stays_while_older_ones_go():
    used, other = load_backbone(settings_for(101)), load_backbone(settings_for(102))
    for layer in ("conv1_pad", "conv1_conv", "conv1_relu"):
        load_backbone(settings_for(103, layer))
        assert load_backbone(settings_for(101)) is used
    assert load_backbone(settings_for(102)) is not other


def test_no_generator_of_the_user_is_touched():
    before, np_before = random.getstate(), np.random.get_state()[1]  # noqa: NPY002
    keras_model(settings_for(104))
    load_backbone(settings_for(104))
    assert random.getstate() == before
    np.testing.assert_array_equal(np.random.get_state()[1], np_before)  # noqa: NPY002


def test_a_file_that_changed_after_it_was_resolved_is_not_used(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"then")
    settings = BackboneSettings(resolve_weights(path))
    path.write_bytes(b"later on")
    with pytest.raises(WeightsUnavailableError, match=r"a.h5 has changed"):
        load_backbone(settings)


def test_a_file_that_has_gone_is_named_and_may_come_back(trained_file, weights_folder):
    settings = BackboneSettings(resolve_weights(trained_file), "conv1_relu")
    away = trained_file.rename(weights_folder / "away.h5")
    try:
        with pytest.raises(
            WeightsUnavailableError, match=f"{trained_file.name} is not"
        ):
            load_backbone(settings)
    finally:
        away.rename(trained_file)
    assert load_backbone(settings).settings == settings


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (
            np.zeros((2, 64, 65, 3), np.uint8),
            r"shape \(2, 64, 65, 3\).*\(n, 64, 64, 3\)",
        ),
        (np.zeros((64, 64, 3), np.uint8), r"shape \(64, 64, 3\)"),
        (np.zeros((2, 64, 64, 3), np.float64), "type float64.*uint8 or float32"),
    ],
)
def test_a_batch_of_another_shape_or_type_is_refused(batch, message):
    with pytest.raises(ValueError, match=message):
        load_backbone(settings_for(101))(batch)
