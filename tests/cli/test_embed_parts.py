"""`skresnet embed --out FOLDER/`: parts of Parquet, by whoever makes them."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from tiny import TINY_EMBEDDER

TINY = [*TINY_EMBEDDER, "--part-size", "7"]


def parts_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("part-*.parquet")}


@pytest.fixture(scope="module")
def features(run, colour_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("features") / "features"
    run("embed", colour_folder, "--out", out, *TINY)
    return out


def test_parts_have_the_rows_of_a_file_in_the_order_of_paths(
    run, features, colour_folder, tmp_path
):
    run("embed", colour_folder, "--out", tmp_path / "f.parquet", *TINY_EMBEDDER)
    expected = pd.read_parquet(tmp_path / "f.parquet")
    assert len(parts_of(features)) == 10
    table = pyarrow.parquet.read_table(features)
    assert b"skresnet.embedder" in table.schema.metadata
    found = table.to_pandas()
    assert found["path"].is_monotonic_increasing
    columns = ["path", "class", "split", "group", "digest"]
    pd.testing.assert_frame_equal(
        found[columns], expected.sort_values("path", ignore_index=True)[columns]
    )
    np.testing.assert_array_equal(
        np.stack(found["features"]),
        np.stack(expected.sort_values("path")["features"]),
    )


def test_started_again_only_missing_parts_are_made(
    run, features, colour_folder, tmp_path
):
    out = tmp_path / "features"
    shutil.copytree(features, out)
    kept, lost = sorted(out.glob("part-*"))[:2]
    kept.write_bytes(b"not made again")
    lost.unlink()
    result = run("embed", colour_folder, "--out", out, *TINY)
    assert "10 parts" in result.stderr
    assert "9 of them from before" in result.stderr
    assert kept.read_bytes() == b"not made again"
    assert parts_of(out)[lost.name] == parts_of(features)[lost.name]


def test_the_union_of_shards_equals_one_run(run, features, colour_folder, tmp_path):
    for shard in ("2/3", "3/3", "1/3"):
        arguments = ["embed", colour_folder, "--out", tmp_path / "f/", *TINY]
        run(*arguments, "--shard", shard)
    assert parts_of(tmp_path / "f") == parts_of(features)


@pytest.mark.parametrize("shard", ["0/3", "4/3", "x"])
def test_a_shard_that_there_is_not_is_wrong_usage(run, colour_folder, tmp_path, shard):
    arguments = ["embed", colour_folder, "--out", tmp_path / "f/", *TINY]
    assert "3/16" in run(*arguments, "--shard", shard, status=2).stderr


def test_parts_of_pictures_that_are_gone_or_new_are_replaced(
    run, colour_folder, tmp_path
):
    photos, out = tmp_path / "photos", tmp_path / "features"
    shutil.copytree(colour_folder / "test", photos)
    run("embed", photos, "--out", out, *TINY)
    before = parts_of(out)
    for path in (photos / "red").iterdir():
        path.unlink()
    run("embed", photos, "--out", out, *TINY)
    assert pd.read_parquet(out)["class"].tolist() == ["blue"] * 6 + ["green"] * 6
    assert len({*parts_of(out)} & {*before}) == 1
    shutil.rmtree(photos)
    photos.mkdir()  # as where a disk is missing
    result = run("embed", photos, "--out", out, *TINY, status=1)
    assert "No pictures below" in result.stderr
    assert len(pd.read_parquet(out)) == 12


def test_unreadable_pictures_are_in_a_table_of_their_own(run, damaged, tmp_path):
    out = tmp_path / "features"
    for number in range(2):  # made, and there
        result = run("embed", damaged, "--out", out, *TINY, status=3)
        assert "Left out 2 of 50 pictures" in result.stderr, number
    assert len(pd.read_parquet(out)) == 48
    table = pd.read_parquet(out / "_unreadable")
    assert list(table) == ["path", "class", "split", "group", "cause"]
    assert [path.rpartition("/")[2] for path in table["path"]] == [
        *("cut.png", "text.png")
    ]
    assert "the file ends early" in table["cause"][0]
    run("embed", damaged, "--out", out, *TINY, "--on-error", "skip")


def test_other_features_or_pictures_are_not_mixed_with_those_of_a_folder(
    run, features, colour_folder, tmp_path
):
    out = tmp_path / "features"
    shutil.copytree(features, out)
    arguments = ["embed", colour_folder, "--out", out, *TINY]
    result = run(*arguments, "--random-state", "1", status=1)
    assert "weights was" in result.stderr
    assert "--force" in result.stderr
    others = ["embed", colour_folder / "test", "--out", out, *TINY]
    assert "pictures was" in run(*others, status=1).stderr
    assert parts_of(out) == parts_of(features)
    run(*others, "--force")
    assert len(pd.read_parquet(out)) == 18


def test_a_folder_of_something_else_is_left_alone(run, colour_folder, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    result = run("embed", colour_folder, "--out", tmp_path, *TINY, status=1)
    assert "'letter.txt'" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_parts_are_written_to_any_storage(run, features, colour_folder):
    upath = pytest.importorskip("upath")
    out = upath.UPath("memory://bucket/features")
    run("embed", colour_folder, "--out", str(out), *TINY)
    written = {path.name: path.read_bytes() for path in out.glob("part-*")}
    assert written == parts_of(features)
    result = run("embed", colour_folder, "--out", str(out), *TINY)
    assert "10 of them from before" in result.stderr
    assert json.loads((out / "_skresnet.json").read_text())["part_size"] == 7


def test_parts_in_the_memory_of_workers_are_refused(run, colour_folder):
    command = ["embed", colour_folder, "--out", "memory://bucket/f", *TINY]
    refused = run(*command, "--workers", 1, status=2)
    assert "would end with it" in refused.stderr


def test_a_cache_is_used_where_one_is_named(run, features, colour_folder, tmp_path):
    arguments = ["embed", colour_folder, *TINY, "--cache", tmp_path / "cache"]
    assert " 0 rows from a cache" in run(*arguments, "--out", tmp_path / "1/").stderr
    assert " 66 rows from a cache" in run(*arguments, "--out", tmp_path / "2/").stderr
    assert parts_of(tmp_path / "2") == parts_of(features)


def test_workers_make_the_same_parts(run, features, colour_folder, tmp_path):
    pytest.importorskip("distributed")
    arguments = ["embed", colour_folder, "--out", tmp_path / "f/", *TINY]
    assert "by 2 workers" in run(*arguments, "--workers", 2).stderr
    assert parts_of(tmp_path / "f") == parts_of(features)


@contextmanager
def server_that_says(greeting):
    """Listen, say something to whoever comes, and nothing more."""
    held = []

    def accept():
        with suppress(OSError):  # closed in the end
            while True:
                connection, _ = listening.accept()
                held.append(connection)
                connection.sendall(greeting)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept)
        thread.start()
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in held:
        connection.close()


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2p1\r\n"])
def test_a_server_that_is_no_scheduler_is_an_error(
    run, colour_folder, tmp_path, monkeypatch, greeting
):
    pytest.importorskip("distributed")
    monkeypatch.setattr("skresnet.cluster.clients.ANSWER_WITHIN", 0.5)
    arguments = ["embed", colour_folder, "--out", tmp_path / "f/", *TINY]
    with server_that_says(greeting) as address:
        result = run(*arguments, "--scheduler", address, status=1)
    assert f"No scheduler answers at '{address}'" in result.stderr
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "nonsense", "tcp://", "ws://127.0.0.1:9", ""]
)
def test_a_scheduler_that_does_not_answer_is_an_error(
    run, colour_folder, tmp_path, monkeypatch, address
):
    pytest.importorskip("distributed")
    monkeypatch.setattr("skresnet.cluster.clients.ANSWER_WITHIN", 0.2)
    arguments = ["embed", colour_folder, "--out", tmp_path / "f/", *TINY]
    result = run(*arguments, "--scheduler", address, status=1)
    assert f"No scheduler answers at '{address}'" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "There is no file"), ("{}", "is not what a scheduler has written")],
)
def test_the_file_of_a_scheduler_is_to_be_there(
    run, colour_folder, tmp_path, monkeypatch, content, message
):
    pytest.importorskip("distributed")
    monkeypatch.setattr("skresnet.cluster.clients.ANSWER_WITHIN", 0.2)
    file = tmp_path / "scheduler.json"
    if content is not None:
        file.write_text(content)
    arguments = ["embed", colour_folder, "--out", tmp_path / "f/", *TINY]
    result = run(*arguments, "--scheduler", file, status=1)
    assert message in result.stderr
    assert "--scheduler-file" in result.stderr


def test_a_scheduler_may_write_its_file_while_it_is_waited_for(
    run, features, colour_folder, tmp_path
):
    distributed = pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    with distributed.LocalCluster(
        n_workers=1, processes=False, dashboard_address=None
    ) as cluster:
        content = json.dumps({"address": cluster.scheduler_address})
        later = threading.Timer(0.5, lambda: file.write_text(content))
        later.start()
        arguments = ["embed", colour_folder, "--out", tmp_path / "f/", *TINY]
        run(*arguments, "--scheduler", file)
        later.join()
    assert parts_of(tmp_path / "f") == parts_of(features)


def test_shards_may_share_a_cache_at_the_same_time(features, colour_folder, tmp_path):
    command = [sys.executable, "-m", "skresnet", "embed", colour_folder]
    command += ["--out", f"{tmp_path}/f/", *TINY, "--cache", tmp_path / "cache"]
    for _ in range(2):  # the second time, all rows are in the cache
        shutil.rmtree(tmp_path / "f", ignore_errors=True)
        shards = [
            subprocess.Popen(
                [*map(str, command), "--shard", f"{number}/2"],
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in (1, 2)
        ]
        told = [shard.communicate()[1] for shard in shards]
        assert [shard.returncode for shard in shards] == [0, 0], told
        assert parts_of(tmp_path / "f") == parts_of(features)
    found = sum(int(re.search(r"(\d+) rows from", text)[1]) for text in told)
    assert found == sum(
        len(pyarrow.parquet.read_table(path)) for path in features.glob("part-*")
    )


def test_workers_that_start_while_a_mistake_is_found_do_not_outlive_it(
    colour_folder, tmp_path
):
    pytest.importorskip("distributed")
    psutil = pytest.importorskip("psutil")
    started = {}
    process = psutil.Popen(
        [
            *(sys.executable, "-m", "skresnet", "embed", colour_folder),
            *("--out", tmp_path / "f/", *TINY, "--workers", "1"),
            *("--layer", "no_such_layer"),
        ],
        stderr=subprocess.PIPE,
    )
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            started |= {each.pid: each for each in process.children(recursive=True)}
        time.sleep(0.02)
    assert process.returncode == 2
    assert b"no_such_layer" in process.stderr.read()
    assert started
    assert psutil.wait_procs(started.values(), timeout=10)[1] == []
    assert not (tmp_path / "f").exists()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs masks")
def test_the_interrupt_of_a_terminal_is_the_business_of_the_command(
    colour_folder, tmp_path
):
    pytest.importorskip("distributed")
    psutil = pytest.importorskip("psutil")
    process = psutil.Popen(
        [
            *(sys.executable, "-m", "skresnet", "embed", colour_folder),
            *("--out", tmp_path / "f/", *TINY, "--workers", "1"),
        ],
        stderr=subprocess.PIPE,
    )
    interrupted = set()
    while process.poll() is None:
        for child in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.send_signal(signal.SIGINT)
                    interrupted.add(child.pid)
        time.sleep(0.1)
    told = process.stderr.read().decode()
    assert process.returncode == 0, told
    assert interrupted
    assert "Traceback" not in told
    assert len(parts_of(tmp_path / "f")) == 10


def test_without_dask_it_is_said_what_to_install(
    run, colour_folder, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "distributed", None)
    arguments = ["embed", colour_folder, "--out", tmp_path / "f/", *TINY]
    result = run(*arguments, "--workers", 2, status=1)
    assert 'python -m pip install "skresnet[dask]"' in result.stderr


def test_a_file_is_made_by_this_process_alone(run, colour_folder, tmp_path):
    arguments = ["embed", colour_folder, "--out", tmp_path / "f.npy"]
    assert "in a folder" in run(*arguments, "--workers", 2, status=2).stderr
