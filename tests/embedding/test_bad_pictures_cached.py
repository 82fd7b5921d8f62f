"""Pictures that cannot be read, with and without a cache."""

import random
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from counted import small_embedder
from PIL import Image

from skresnet import UnreadableImageError
from skresnet.progress import Bar
from skresnet.reading import as_pictures


@pytest.fixture
def bad(files, tmp_path):
    """Empty, no picture, cut short behind its header, missing, and a copy."""
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    whole = Path(files[0]).read_bytes()
    (tmp_path / "short.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "copy.png").write_bytes(whole[: len(whole) // 2])
    names = ["empty.png", "text.png", "short.png", "copy.png", "missing.png"]
    return [str(tmp_path / name) for name in names]


@pytest.fixture
def mixed(files, bad):
    """All pictures, the bad ones at random places."""
    paths = files + bad
    random.Random(0).shuffle(paths)
    return paths


def test_what_was_computed_before_an_error_is_not_computed_again(
    mixed, bad, folder, computed
):
    with pytest.raises(UnreadableImageError) as error:
        small_embedder(cache=folder, batch_size=8).fit_transform(mixed)
    assert {failure.path for failure in error.value.failures} == set(bad)
    assert computed() == 60
    good = [path for path in mixed if path not in bad]
    found = small_embedder(cache=folder).fit_transform(good)
    assert computed() == 0
    assert np.isfinite(found).all()


def test_without_a_cache_nothing_is_computed_for_an_error_known_beforehand(
    files, bad, computed
):
    with pytest.raises(UnreadableImageError) as error:
        small_embedder(batch_size=8).fit_transform(files + bad)
    assert len(error.value.failures) == 5
    assert computed() == 0


@pytest.mark.parametrize("is_cached", [False, True])
def test_unreadable_pictures_get_rows_of_nan(
    is_cached, files, mixed, bad, folder, computed
):
    expected = dict(zip(files, small_embedder().fit_transform(files), strict=True))
    embedder = small_embedder(cache=folder if is_cached else None, on_error="nan")
    computed()
    for n_computed in (60, 0 if is_cached else 60):
        with pytest.warns(UserWarning, match="5 pictures that cannot be read"):
            found = embedder.fit_transform(mixed)
        assert computed() == n_computed
        for path, row in zip(mixed, found, strict=True):
            if path in bad:
                assert np.isnan(row).all()
            else:
                np.testing.assert_allclose(row, expected[path], rtol=1e-4, atol=1e-4)


def test_one_unreadable_picture_among_cached_ones(files, bad, folder, computed):
    first = small_embedder(cache=folder).fit_transform(files)
    computed()
    paths = [*files, bad[2], bad[2]]
    with pytest.raises(UnreadableImageError) as error:
        small_embedder(cache=folder).fit_transform(paths)
    assert [failure.position for failure in error.value.failures] == [60, 61]
    with pytest.warns(UserWarning, match="cannot be read"):
        found = small_embedder(cache=folder, on_error="nan").fit_transform(paths)
    assert computed() == 0
    assert np.array_equal(found[:60], first)
    assert np.isnan(found[60:]).all()


def test_suspicious_values_are_named_whether_cached_or_not(folder):
    scaled = [np.full((40, 40, 3), index / 10, np.float32) for index in (3, 5)]
    embedder = small_embedder(cache=folder)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"2 pictures: X\[0\].*X\[1\]") as caught:
            embedder.fit_transform(scaled)
        assert caught[0].filename == __file__


def reading_threads():
    return [thread for thread in threading.enumerate() if "skresnet" in thread.name]


@pytest.mark.parametrize("is_cached", [False, True])
def test_an_interrupt_leaves_no_thread_and_keeps_what_was_stored(
    is_cached, files, folder, computed
):
    embedder = small_embedder(
        cache=folder if is_cached else None, batch_size=8, n_jobs=2
    ).fit(files)
    batches = []

    @contextmanager
    def interrupted():
        batches.append(1)
        if len(batches) == 3:
            raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt) as caught:
        embedder._embed(as_pictures(files), interrupted)
    # The traceback, which keeps the generators alive, is still here.
    assert caught.tb is not None
    assert reading_threads() == []
    computed()
    assert np.isfinite(embedder.transform(files)).all()
    assert computed() == (44 if is_cached else 60)


def test_the_report_counts_what_came_from_where(files, bad, folder, capsys):
    embedder = small_embedder(
        cache=folder, batch_size=8, on_error="nan", verbose=1
    ).fit(files)
    embedder.transform(files[:10])
    assert report(capsys) == (
        "10 pictures: 0 from the cache, 10 computed, 0 duplicates."
    )
    with pytest.warns(UserWarning, match="cannot be read"):
        embedder.transform([*files[:20], files[0], files[15], files[15], *bad])
    assert report(capsys) == (
        "28 pictures: 11 from the cache, 10 computed, 2 duplicates, 5 unreadable."
    )


def test_the_report_counts_rows_that_others_stored_meanwhile(
    files, folder, capsys, computed
):
    embedder = small_embedder(cache=folder, batch_size=8, verbose=1).fit(files)
    other = small_embedder(cache=folder).fit(files)
    batches = []

    @contextmanager
    def after_another():
        batches.append(1)
        if len(batches) == 2:
            other.transform(files[:20])
        yield

    doubled = [*files[:24], files[10]]
    embedded = embedder._embed(as_pictures(doubled), after_another)
    assert report(capsys) == (
        "25 pictures: 12 from the cache, 12 computed, 1 duplicates."
    )
    assert computed() == 24
    assert np.isfinite(embedded.rows).all()


def report(capsys):
    return capsys.readouterr().out.strip().splitlines()[-1]


def test_the_progress_bar_ends_at_the_number_of_pictures(
    files, bad, folder, monkeypatch
):
    ends = set()

    class Noted(Bar):
        def close(self):
            ends.add((self.n, self.total))
            super().close()

    small_embedder(cache=folder).fit(files).transform(files[:10])
    monkeypatch.setattr("skresnet.embedding.Bar", Noted)
    embedder = small_embedder(cache=folder, verbose=1, on_error="nan").fit(files)
    with pytest.warns(UserWarning, match="cannot be read"):
        embedder.transform([*files, files[0], files[50], *bad])
    assert ends == {(67, 67)}


def test_an_image_met_twice_in_memory_is_read_safely(files, computed):
    image = Image.open(files[0])
    found = small_embedder(n_jobs=2).fit_transform([image] * 20)
    assert computed() == 1
    assert (found == found[0]).all()


@pytest.mark.parametrize("others", [1, 2])
def test_of_many_suspicious_pictures_three_are_named_and_the_others_counted(others):
    dim = [np.full((40, 40, 3), 0.5, np.float32)] * (3 + others)
    with pytest.warns(UserWarning, match=rf"X\[2\].*; and {others} more") as caught:
        small_embedder().fit(dim).transform(dim)
    assert "X[3]" not in str(caught[0].message)
