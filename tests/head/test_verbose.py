"""What `verbose` of DenseSGDClassifier shows of a training."""

from functools import partialmethod

import keras
import pytest

from skresnet import DenseSGDClassifier
from skresnet.progress import Bar, shown_by_command


def small(**params):
    defaults = {"hidden_layer_sizes": (16,), "epochs": 5, "random_state": 0}
    return DenseSGDClassifier(**{**defaults, **params})


@pytest.fixture
def every_epoch(monkeypatch):
    """Draw bars at every epoch, not ten times a second."""
    eager = type(
        "Eager", (Bar,), {"__init__": partialmethod(Bar.__init__, mininterval=0)}
    )
    monkeypatch.setattr("skresnet.head.callbacks.Bar", eager)


@pytest.fixture(params=[None, [keras.callbacks.Callback()]], ids=["alone", "callbacks"])
def callbacks(request):
    """Of the compiled loop, and of a training by Keras."""
    return request.param


def test_nothing_is_said_unless_asked_for(features, callbacks, capsys):
    small(callbacks=callbacks).fit(*features)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("every_epoch")
def test_one_bar_counts_the_epochs_and_leaves_a_line(features, callbacks, capsys):
    classifier = small(callbacks=callbacks, verbose=1).fit(*features)
    said = capsys.readouterr()
    assert said.out == (
        f"5 epochs: the best is epoch {classifier.best_epoch_ + 1}, with val_loss "
        f"{classifier.best_score_:.4f}.\n"
    )
    assert "\n" not in said.err
    assert "| 5/5 [" in said.err
    assert "val_accuracy" in said.err
    assert said.err.rpartition("\r")[0].endswith(" ")  # drawn over
    assert ("again: " in said.err) == (callbacks is None)  # on all rows


def test_a_command_shows_no_bar_outside_terminals_and_says_the_rest(features, capsys):
    with shown_by_command(lines=False):
        small(verbose=1).fit(*features)
    assert capsys.readouterr() == ("", "")
    with shown_by_command():
        small(verbose=1).fit(*features)
    said = capsys.readouterr()
    assert said.out.startswith("5 epochs: the best is epoch ")
    assert said.err == ""
    small(verbose=1).fit(*features)
    assert "| 0/5 [" in capsys.readouterr().err


def test_the_bar_ends_with_the_epochs_of_an_early_stop(features, monkeypatch, capsys):
    ends = {}

    class Noted(Bar):
        def close(self):
            ends[self.desc] = self.n, self.total
            super().close()

    monkeypatch.setattr("skresnet.head.callbacks.Bar", Noted)
    classifier = small(epochs=60, patience=2, learning_rate=0.3, verbose=1)
    classifier.fit(*features)
    best = classifier.best_epoch_ + 1
    assert classifier.n_iter_ == best + 2 < 60
    assert ends == {"": (best + 2, 60), "again": (best, best)}
    assert f"{best + 2} epochs: the best is epoch {best}," in capsys.readouterr().out


def test_two_is_a_line_an_epoch(features, callbacks, capsys):
    classifier = small(callbacks=callbacks, verbose=2).fit(*features)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    history = classifier.history_
    for epoch, line in enumerate(lines):
        assert line == f"Epoch {epoch + 1} of 5: " + ", ".join(
            f"{name} {history[name][epoch]:.4f}"
            for name in ("loss", "accuracy", "val_loss", "val_accuracy")
        )


@pytest.mark.usefixtures("every_epoch")
def test_without_validation_rows_the_training_rows_are_shown(features, capsys):
    small(validation_fraction=None, verbose=1).fit(*features)
    said = capsys.readouterr()
    assert "with loss " in said.out
    assert ", accuracy " in said.err


def test_a_failed_training_leaves_no_bar(features, capsys):
    with pytest.raises(ValueError, match="diverged"):
        small(learning_rate=1e6, verbose=1).fit(*features)
    assert not getattr(Bar, "_instances", ())
    assert capsys.readouterr().err.rpartition("\r")[2].strip() == ""
