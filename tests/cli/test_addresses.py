"""Pictures in archives and at addresses, as the command takes them."""

import csv
import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

import joblib
import pytest
from tiny import TINY, TINY_EMBEDDER

pytest.importorskip("upath")


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def packed(colour_folder, tmp_path_factory):
    """A folder with archives of the training pictures, and with a table."""
    folder = tmp_path_factory.mktemp("packed")
    shutil.copytree(colour_folder / "train", folder / "photos")
    for kind in ("zip", "tar"):
        shutil.make_archive(str(folder / "photos"), kind, folder / "photos")
    lines = ["where,kind", "photos/red/00.png,red", "photos/blue/01.png,blue"]
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def address(packed):
    """The same behind a server of this machine."""
    pytest.importorskip("aiohttp")
    handler = partial(_Silent, directory=str(packed))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_an_archive_is_trained_on_and_its_test_list_leads_back(
    run, packed, tmp_path, ending
):
    archive, out = packed / f"photos{ending}", tmp_path / "m.joblib"
    trained = run("train", archive, "--out", out, *TINY).stdout
    assert "(train 28, test 8)" in trained or "(train 29, test 7)" in trained
    assert joblib.load(out).classes_.tolist() == ["blue", "green", "red"]
    tested = tmp_path / "m.test.csv"
    assert f"{tested} --root {archive}" in trained
    with tested.open(newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    assert all((packed / "photos" / path).exists() for path in paths)
    found = run("evaluate", out, tested, "--root", archive).stdout
    assert f"Pictures: {len(paths)}\n" in found
    assert "trained on" not in found


def test_an_address_is_read_since_it_was_named(run, address, model_file, tmp_path):
    out = tmp_path / "p.jsonl"
    places = (f"{address}/photos/red/00.png", f"{address}/photos/blue")
    run("predict", model_file, *places, "--out", out)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert found[0]["path"] == places[0]
    assert found[0]["predictions"][0]["class"] == "red"
    assert len(found) == 13


def test_a_table_at_an_address_names_pictures_beside_it(run, address, model_file):
    columns = ("--path-column", "where", "--class-column", "kind")
    output = run("evaluate", model_file, f"{address}/labels.csv", *columns).stdout
    assert "Pictures: 2\n" in output
    assert "2 of 2 pictures were trained on" in output


def test_an_archive_at_an_address_is_fetched(run, address, tmp_path):
    out = tmp_path / "f.npy"
    run("embed", f"{address}/photos.zip", "--out", out, *TINY_EMBEDDER)
    with (tmp_path / "f.paths.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36
    assert {row["class"] for row in rows} == {"blue", "green", "red"}


def test_pictures_of_an_archive_are_sorted_by_copies_alone(
    run, packed, model_file, tmp_path
):
    arguments = ("predict", model_file, packed / "photos.zip", "--sort-into")
    refused = run(*arguments, tmp_path / "links", "--link", status=2)
    assert "--link is for pictures on this disk" in refused.stderr
    run(*arguments, tmp_path / "sorted")
    assert len(list((tmp_path / "sorted" / "red").iterdir())) == 12


@pytest.mark.skipif(find_spec("s3fs") is not None, reason="s3fs is installed")
def test_what_reads_an_address_is_named_where_it_is_missing(run, tmp_path):
    refused = run(
        "train", "s3://bucket/photos", "--out", tmp_path / "m.joblib", *TINY, status=1
    )
    assert "'s3://bucket/photos' cannot be read: Install s3fs" in refused.stderr


def test_an_address_of_no_known_kind_is_refused(run, tmp_path):
    refused = run("check", "teleport://x", "--out", tmp_path / "c.html", status=1)
    assert "teleport" in refused.stderr


def test_options_of_tables_are_refused_where_there_is_none(run, packed, tmp_path):
    refused = run(
        *("train", packed / "photos", "--out", tmp_path / "m.joblib", *TINY),
        *("--class-column", "kind"),
        status=2,
    )
    assert "--class-column is about tables" in refused.stderr
