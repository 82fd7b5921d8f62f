"""The result of a fit depends on its arguments, on nothing that happened before."""

import pickle
import threading
from collections import OrderedDict

import keras
import numpy as np
import pytest
import tensorflow as tf
from surroundings import run_python

from skresnet import DenseSGDClassifier
from skresnet.head.loop import LOOPS

PARAMS = {
    "hidden_layer_sizes": (32, 16),
    "dropout": [0.1, 0.2],
    "momentum": 0.9,
    "epochs": 4,
    "weight_decay": 0,
    "refit": False,  # as it is where there are callbacks
    "random_state": 0,
}

FRESH = """
import os, pickle, sys
exec(os.environ.get("BEFORE", ""))
from skresnet import DenseSGDClassifier
params, X, y = pickle.load(open(sys.argv[1], "rb"))
classifier = DenseSGDClassifier(**params).fit(X, y)
result = classifier.history_, classifier.predict_proba(X)
pickle.dump(result, open(sys.argv[2], "wb"))
"""


@pytest.fixture(scope="module")
def expected(features, tmp_path_factory):
    """History and probabilities of the fit in a process of its own."""
    folder = tmp_path_factory.mktemp("fresh")
    (folder / "job").write_bytes(pickle.dumps((PARAMS, *features)))
    run_python(FRESH, folder / "job", folder / "result")
    return pickle.loads((folder / "result").read_bytes())


def fitted(features, **params):
    return DenseSGDClassifier(**{**PARAMS, **params}).fit(*features)


def assert_unchanged(features, expected):
    history, probabilities = expected
    again = fitted(features)
    assert again.history_ == history
    np.testing.assert_array_equal(again.predict_proba(features[0]), probabilities)


class Does(keras.callbacks.Callback):
    """Does something to the model, once."""

    def __init__(self, change, when="on_train_begin"):
        super().__init__()
        self.change, self.when = change, when
        setattr(self, when, self.once)

    def once(self, *args, **kwargs):
        if self.change:
            self.change(self.model)
        self.change = None


def first_dense(model):
    """The first layer but the one that standardises."""
    return next(x for x in model.layers if isinstance(x, keras.layers.Dense))


def set_activation(model):
    first_dense(model).activation = keras.activations.tanh


def set_dropout_rate(model):
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.9


def freeze(model):
    first_dense(model).trainable = False


def freeze_and_compile(model):
    first_dense(model).trainable = False
    model.compile("sgd", "categorical_crossentropy", weighted_metrics=["accuracy"])


def compile_with_adam(model):
    model.compile("adam", "categorical_crossentropy", weighted_metrics=["accuracy"])


def compile_with_a_metric(model):
    model.compile(
        "sgd",
        "mse",
        weighted_metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(2)],
    )


def set_rate(model):
    model.optimizer.learning_rate = 0.3


def set_momentum(model):
    model.optimizer.momentum = 0.1


def set_weights(model):
    model.set_weights([weight * 0.5 for weight in model.get_weights()])


def clip_gradients(model):
    model.optimizer.clipnorm = 1e-3


def fill_the_state_of_the_optimizer(model):
    for variable in model.optimizer.variables:
        variable.assign(variable + 3)


def reseed(model):
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([7, 7])


def replace_the_optimizer(model):
    model.optimizer = keras.optimizers.Adam()


def let_the_rate_decay(model):
    model.optimizer.learning_rate = keras.optimizers.schedules.ExponentialDecay(
        0.1, decay_steps=1, decay_rate=0.5
    )


def scale_the_loss(model):
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), 2.0)
    model.compile(scaled, "categorical_crossentropy", weighted_metrics=["accuracy"])


def freeze_all(model):
    model.trainable = False


def exchange_the_last_layer(model):
    model.pop()
    model.add(keras.layers.Dense(7, activation="relu"))
    model.add(keras.layers.Dense(3, activation="softmax"))


def set_seeds(model):
    keras.utils.set_random_seed(5)
    set_weights(model)


CHANGES = [
    set_activation,
    set_dropout_rate,
    freeze,
    freeze_and_compile,
    compile_with_adam,
    compile_with_a_metric,
    set_rate,
    set_momentum,
    set_weights,
    clip_gradients,
    fill_the_state_of_the_optimizer,
    reseed,
    replace_the_optimizer,
    let_the_rate_decay,
    scale_the_loss,
    freeze_all,
    exchange_the_last_layer,
    set_seeds,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_a_callback_changes_shows_in_its_fit_and_in_no_other(
    change, features, expected
):
    changed = fitted(features, callbacks=[Does(change)])
    assert changed.history_["loss"] != pytest.approx(expected[0]["loss"], rel=1e-4)
    assert_unchanged(features, expected)


def run_eagerly(model):
    model.run_eagerly = True


def compile_by_xla(model):
    model.jit_compile = True


def clear_the_session(model):
    keras.backend.clear_session()


def set_the_policy(model):
    keras.config.set_dtype_policy("mixed_float16")


def set_the_error_state(model):
    np.seterr(all="raise")


@pytest.mark.parametrize(
    "change",
    [run_eagerly, compile_by_xla, clear_the_session, set_the_policy],
    ids=lambda change: change.__name__,
)
@pytest.mark.parametrize("when", ["on_train_begin", "on_epoch_end"])
@pytest.mark.usefixtures("keras_as_it_was")
def test_what_decides_nothing_may_change(when, change, features, expected):
    with np.errstate():
        same = fitted(
            features, callbacks=[Does(change, when), Does(set_the_error_state)]
        )
        for name, values in same.history_.items():
            assert values == pytest.approx(expected[0][name], rel=1e-5)
        assert_unchanged(features, expected)


@pytest.mark.parametrize("change", [compile_with_adam, freeze_and_compile, set_rate])
@pytest.mark.parametrize("when", ["on_epoch_end", "on_train_batch_end"])
def test_a_change_in_the_middle_shows_too(when, change, features, expected):
    changed = fitted(features, callbacks=[Does(change, when)])
    first = {name: values[0] for name, values in changed.history_.items()}
    if when == "on_epoch_end":
        for name, value in first.items():
            assert value == pytest.approx(expected[0][name][0], rel=1e-6)
    assert changed.history_["loss"][1:] != expected[0]["loss"][1:]
    assert_unchanged(features, expected)


def test_a_layer_that_was_frozen_keeps_its_first_weights(features):
    weights = []
    watch = Does(lambda model: weights.extend(first_dense(model).get_weights()))
    classifier = fitted(features, callbacks=[watch, Does(freeze_and_compile)])
    for before, after in zip(
        weights, first_dense(classifier.model_).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(before, after)


def test_a_changed_layer_stays_changed_in_the_fitted_network(features, expected):
    X, y = features
    classifier = fitted(features, callbacks=[Does(set_activation)])
    rows = classifier.validation_indices_
    best = classifier.history_["val_loss"][classifier.best_epoch_]
    for model in (
        classifier,
        pickle.loads(pickle.dumps(classifier.set_params(callbacks=None))),
    ):
        assert first_dense(model.model_).activation is keras.activations.tanh
        found = model.evaluate(X[rows], y[rows])["loss"]
        assert found == pytest.approx(best, rel=1e-5)


def test_a_callback_that_does_nothing_changes_nothing(features, expected):
    watched = fitted(features, callbacks=[keras.callbacks.Callback()])
    np.testing.assert_allclose(
        watched.predict_proba(features[0]), expected[1], rtol=1e-4
    )
    for name, values in watched.history_.items():
        assert values == pytest.approx(expected[0][name], rel=1e-6)


def test_a_fit_that_failed_leaves_no_trace(features, expected):
    with pytest.raises(ValueError, match="Training diverged"):
        fitted(features, learning_rate=1e30)
    with pytest.raises(ZeroDivisionError):
        fitted(features, callbacks=[Does(lambda model: 1 / 0, "on_epoch_end")])
    assert_unchanged(features, expected)


@pytest.mark.parametrize(
    "when", ["on_train_begin", "on_train_batch_end", "on_epoch_end", "on_train_end"]
)
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupted_fit_leaves_no_trace(interruption, when, features, expected):
    def interrupt(model):
        model.set_weights([0 * weight for weight in model.get_weights()])
        raise interruption

    classifier = DenseSGDClassifier(**PARAMS).fit(*features)
    before = classifier.model_
    with pytest.raises(interruption):
        classifier.set_params(callbacks=[Does(interrupt, when)]).fit(*features)
    assert classifier.model_ is before
    np.testing.assert_array_equal(classifier.predict_proba(features[0]), expected[1])
    assert_unchanged(features, expected)


def test_other_fits_leave_no_trace(features, expected):
    X, y = features
    for params in (
        {"momentum": 0},
        {"learning_rate": 0.05, "batch_size": 7},
        {"dropout": [0.5, 0.3]},
        {"class_weight": "balanced", "validation_fraction": None},
    ):
        fitted((X * 3, y), **{"random_state": 5, **params})
    assert_unchanged(features, expected)


def test_fits_in_other_threads_leave_no_trace(features, expected):
    found = {}

    def fit(seed):
        found[seed] = fitted(features, random_state=seed).predict_proba(features[0])

    threads = [threading.Thread(target=fit, args=[seed]) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    assert_unchanged(features, expected)
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(found[0], expected[1])
    assert not np.array_equal(found[1], expected[1])


@pytest.fixture
def keras_as_it_was():
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    data_format, epsilon = keras.config.image_data_format(), keras.config.epsilon()
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)
    keras.config.set_image_data_format(data_format)
    keras.config.set_epsilon(epsilon)
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
    tf.config.run_functions_eagerly(False)


STATES = {
    "float16": lambda: keras.config.set_floatx("float16"),
    "float64": lambda: keras.config.set_floatx("float64"),
    "mixed_float16": lambda: keras.config.set_dtype_policy("mixed_float16"),
    "mixed_bfloat16": lambda: keras.config.set_dtype_policy("mixed_bfloat16"),
    "policy float64": lambda: keras.config.set_dtype_policy("float64"),
    "policy bfloat16": lambda: keras.config.set_dtype_policy("bfloat16"),
    "channels_first": lambda: keras.config.set_image_data_format("channels_first"),
    "epsilon": lambda: keras.config.set_epsilon(0.1),
    "eager functions": lambda: tf.config.run_functions_eagerly(True),
    "few epochs": lambda: keras.config.set_max_epochs(2),
    "few steps": lambda: keras.config.set_max_steps_per_epoch(2),
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
@pytest.mark.usefixtures("keras_as_it_was")
def test_the_global_state_of_keras_decides_nothing(
    state, features, expected, monkeypatch
):
    state()
    assert_unchanged(features, expected)  # in a loop that is there, and in a new one
    monkeypatch.setattr(LOOPS, "_idle", OrderedDict())
    assert_unchanged(features, expected)
    watched = fitted(features, callbacks=[keras.callbacks.Callback()])
    for name, values in watched.history_.items():
        assert values == pytest.approx(expected[0][name], rel=1e-5)
    assert watched.predict_proba(features[0]).dtype == np.float32
    np.testing.assert_allclose(
        watched.predict_proba(features[0]), expected[1], rtol=1e-4
    )
    watched.summary(print_fn=lambda text: None)
    loaded = pickle.loads(pickle.dumps(watched.set_params(callbacks=None)))
    np.testing.assert_array_equal(
        loaded.predict_proba(features[0]), watched.predict_proba(features[0])
    )


@pytest.mark.usefixtures("keras_as_it_was")
def test_a_loop_of_a_changed_state_does_not_serve_others(features, expected):
    keras.config.set_floatx("float16")
    fitted(features, activation="gelu")  # a loop that no other test has made
    keras.config.set_floatx("float32")
    here = fitted(features, activation="gelu", dropout=[0.1, 0])
    keras.config.set_floatx("float64")
    there = fitted(features, activation="gelu", dropout=[0.1, 0])
    assert here.history_ == there.history_


# What Keras reads when it is imported, and settings that nothing takes back.
KERAS_JSON = """
{"floatx": "float64", "epsilon": 0.1, "image_data_format": "channels_first"}
"""
FOR_GOOD = """
import keras
import tensorflow as tf
assert keras.config.floatx() == "float64"
tf.config.experimental.enable_op_determinism()
tf.experimental.numpy.experimental_enable_numpy_behavior()
tf.compat.v1.disable_tensor_equality()
tf.config.optimizer.set_jit(True)
tf.config.set_soft_device_placement(False)
tf.random.set_seed(9)
"""


def test_settings_of_tensorflow_decide_nothing(
    features, expected, tmp_path, monkeypatch
):
    (tmp_path / "job").write_bytes(pickle.dumps((PARAMS, *features)))
    (tmp_path / "keras.json").write_text(KERAS_JSON)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("BEFORE", FOR_GOOD)
    run_python(FRESH, tmp_path / "job", tmp_path / "result")
    history, probabilities = pickle.loads((tmp_path / "result").read_bytes())
    assert history == expected[0]
    np.testing.assert_array_equal(probabilities, expected[1])


def test_what_surrounds_a_fit_is_not_in_its_loop(features, expected, monkeypatch):
    monkeypatch.setattr(LOOPS, "_idle", OrderedDict())
    tf.debugging.enable_check_numerics()
    try:
        with tf.GradientTape(persistent=True), tf.device("CPU:0"), tf.name_scope("a"):
            assert_unchanged(features, expected)
    finally:
        tf.debugging.disable_check_numerics()
    with pytest.raises(ValueError, match="Training diverged"):
        fitted(features, learning_rate=1e30)
