"""Requests that no server should believe, and the next one after each."""

import json
import socket
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from select import select

import pytest
from servers import form

HEAD = (
    "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "Content-Type: multipart/form-data; boundary=limit\r\n"
)


@pytest.fixture(autouse=True)
def next_request_is_answered(server, colour_folder):
    yield
    answer = server.predict(colour_folder / "test" / "red" / "01.png")
    assert answer.status == 200
    assert answer.json["pictures"][0]["predictions"][0]["class"] == "red"


def said(connection):
    """Read what the server says until it closes the connection."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def status_and_error(connection):
    """Read one answer, without waiting for the connection to be closed."""
    response = HTTPResponse(connection)
    response.begin()
    return response.status, json.loads(response.read())["error"]


def test_a_gigabyte_that_is_announced_is_refused_before_it_is_sent(server):
    with server.connect() as connection:
        connection.sendall(f"{HEAD}Content-Length: {2**30}\r\n\r\n".encode())
        connection.settimeout(2)
        assert status_and_error(connection) == (
            413,
            "The request is larger than 4 MiB: send fewer pictures at once, or "
            "smaller ones.",
        )


def test_a_gigabyte_that_is_sent_all_the_same_is_not_held(server):
    before = server.memory
    most = before
    with server.connect() as connection:
        connection.sendall(f"{HEAD}Content-Length: {2**30}\r\n\r\n".encode())
        try:
            for _ in range(2**30 // 2**20):
                connection.sendall(bytes(2**20))
                most = max(most, server.memory)
        except (BrokenPipeError, ConnectionResetError):
            pass
        received = said(connection)
    # Nothing is received if the connection was closed while sending.
    assert not received or received.startswith(b"HTTP/1.1 413 ")
    assert most - before < 16 * 2**20


def test_a_gigabyte_in_chunks_is_refused_at_the_limit(server):
    chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
    n_sent = 0
    with server.connect() as connection:
        connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        head = b"--limit\r\ncontent-disposition: form-data; name=a; filename=a\r\n\r\n"
        connection.sendall(b"%x\r\n%s\r\n" % (len(head), head))
        while n_sent < 2**30 and not select([connection], [], [], 0)[0]:
            connection.sendall(chunk)
            n_sent += 2**20
        assert status_and_error(connection)[0] == 413
    assert n_sent < 2**29


def png_claiming(width, height):
    """Write the header of a picture of that size, and a few of its bytes."""

    def chunk(kind, data):
        content = kind + data
        return (
            struct.pack(">I", len(data))
            + content
            + struct.pack(">I", zlib.crc32(content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10**7), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", pixels)
        + (chunk(b"IEND", b""))
    )


def test_a_decompression_bomb_is_told_as_one_and_not_inflated(server):
    before = server.memory
    bombs = [(f"bomb{i}.png", png_claiming(30_000, 30_000)) for i in range(8)]
    answer = server.predict(*bombs)
    assert answer.status == 200
    for picture in answer.json["pictures"]:
        assert "900,000,000 pixels, more than the limit" in picture["error"]
    assert server.memory - before < 32 * 2**20


def test_half_a_request_is_dropped(server, colour_folder):
    body, _ = form(colour_folder / "test" / "red" / "00.png")
    with server.connect() as connection:
        connection.sendall(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode())
        connection.sendall(body[: len(body) // 2])
    with server.connect() as connection:
        connection.sendall(HEAD[:30].encode())


def test_a_request_that_stops_halfway_is_told_after_its_time(server):
    with server.connect() as connection:
        connection.sendall(f"{HEAD}Content-Length: 1000\r\n\r\n--limit".encode())
        started = time.monotonic()
        assert status_and_error(connection)[0] == 408
        # --max-seconds is 5, and the machine may be busy.
        assert 4 < time.monotonic() - started < 30


def test_heads_that_never_end_are_closed_and_keep_nobody_out(server, colour_folder):
    def drip(connection):
        """Send a byte now and then until the server has had enough."""
        connection.settimeout(0.5)
        give_up = time.monotonic() + 40
        while time.monotonic() < give_up:
            try:
                connection.sendall(b"x")
                if connection.recv(1) == b"":
                    return True
            except TimeoutError:
                continue
            except OSError:
                return True
        return False

    connections = [server.connect() for _ in range(50)]
    for connection in connections:
        connection.sendall(b"POST /predict HTTP/1.1\r\nX-Slow: ")
    with ThreadPoolExecutor(50) as pool:
        dripping = [pool.submit(drip, connection) for connection in connections]
        answer = server.predict(colour_folder / "test" / "blue" / "00.png")
        assert answer.status == 200
        assert not all(future.done() for future in dripping)
        assert all(future.result() for future in dripping)
    for connection in connections:
        connection.close()


def test_more_connections_than_it_holds_are_closed_and_it_recovers(server):
    connections = [server.connect() for _ in range(400)]
    closed = 0
    time.sleep(1)
    for connection in connections:
        connection.setblocking(False)
        try:
            closed += connection.recv(1) == b""
        except BlockingIOError:
            pass
        except ConnectionResetError:
            closed += 1
    assert 400 - 256 <= closed < 400
    for connection in connections:
        connection.close()
    time.sleep(0.5)


def test_a_client_that_leaves_costs_no_work(server, colour_folder):
    pictures = sorted((colour_folder / "test").glob("*/*.png"))
    body, kind = form(*pictures)
    for _ in range(10):
        connection = HTTPConnection("127.0.0.1", server.port)
        connection.request("POST", "/predict", body, {"content-type": kind})
        connection.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        connection.sock.close()  # with a reset


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        ({"pictures": ["/etc/passwd"]}, "another form"),
        ({"pictures": [{"name": "a", "content": "/etc/passwd"}]}, "not base64"),
        ({"pictures": [{"content": "https://example.org/a.jpg"}]}, "not base64"),
        ({"pictures": [{"content": "data:image/png;base64,AAAA"}]}, "not base64"),
        ({"pictures": [{"content": "AAAA", "path": "/etc/passwd"}]}, "'path' is not"),
        ({"pictures": [{"content": "AAAA", "url": "http://a"}]}, "'url' is not known"),
        ({"pictures": [{"path": "/etc/passwd"}]}, "another form"),
        ({"pictures": [{"content": "!" * 1000}]}, "not base64"),
        ({"pictures": [{"content": "ünï"}]}, "not base64"),
        ({"pictures": [{"content": 1}]}, "another form"),
        ({"pictures": [{"content": "AAAA", "name": 3}]}, "name is no text"),
        ({"pictures": "/etc/passwd"}, "another form"),
        ({"pictures": []}, "no picture"),
        ({"pictures": [], "model": "other.joblib"}, "'model' is not known"),
        (["/etc/passwd"], "another form"),
        ("{", "no JSON"),
        ("[" * 20_000, "no JSON"),
        ("[" * 100_000, "too many parts"),
        ('{"a":' * 20_000, "no JSON"),
        ("9" * 100_000, "no JSON"),
        (b"\xff\xfe\x00garbage", "no JSON"),
        ('{"pictures": [' + "[]," * 50_000 + "[]]}", "too many parts"),
        ('{"pictures": "' + "," * 50_000 + '"}', "too many parts"),
    ],
)
def test_json_that_is_no_picture_is_refused_without_quoting_it(server, sent, word):
    answer = server.predict_json(sent)
    assert answer.status == 422
    assert word in answer.json["error"]
    for content in (b"passwd", b"example.org", b"AAAA", b"!!!", b"joblib", b"garbage"):
        assert content not in answer.content


def test_content_that_is_a_path_in_base64_is_bytes_and_no_file(server):
    answer = server.predict_json({"pictures": [{"content": "L2V0Yy9wYXNzd2Q="}]})
    assert answer.status == 200
    assert "no image format recognised" in answer.json["pictures"][0]["error"]


@pytest.mark.parametrize(
    ("kind", "body", "status", "word"),
    [
        ("text/plain", b"/etc/passwd", 415, "content type"),
        ("application/x-www-form-urlencoded", b"path=/etc/passwd", 415, "content type"),
        ("multipart/form-data", b"--limit--", 422, "form cannot be read"),
        ("multipart/form-data; boundary=limit", b"garbage", 422, "form cannot be"),
        ("multipart/form-data; boundary=limit", b"--limit--\r\n", 422, "no picture"),
        (
            "multipart/form-data; boundary=limit",
            b"--limit\r\ncontent-disposition: form-data; name=file\r\n\r\n/etc/passwd"
            b"\r\n--limit--\r\n",
            422,
            "'file' is a text",
        ),
        (
            "multipart/form-data; boundary=limit",
            b"--limit\r\nx-a: b\r\n\r\n\r\n--limit--\r\n",
            422,
            "form cannot be read",
        ),
    ],
)
def test_forms_without_files_are_refused(server, kind, body, status, word):
    answer = server.ask("POST", "/predict", body, {"content-type": kind})
    assert answer.status == status
    assert word in answer.json["error"]
    assert b"passwd" not in answer.content


def test_what_is_compressed_for_the_way_is_refused(server):
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert server.ask("POST", "/predict", b"\x1f\x8b", headers).status == 415


def test_more_pictures_than_allowed_are_refused_in_either_form(server):
    files = [(f"{i}.png", b"x") for i in range(21)]
    sent = {"pictures": [{"content": "AAAA"}] * 21}
    for answer in (server.predict(*files), server.predict_json(sent)):
        assert answer.status == 413
        assert "20 pictures" in answer.json["error"]
    assert server.predict(*files[:20]).status == 200


def test_garbage_instead_of_http_is_closed(server):
    for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\0" * 1000):
        with server.connect() as connection:
            connection.sendall(garbage + b"\r\n\r\n")
            assert said(connection).startswith(b"HTTP/1.1 400 ")
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000)
        assert b" 400 " in said(connection).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8000"},
        {"host": "[::1"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://["},
    ],
)
def test_pages_of_other_origins_and_names_are_refused(server, headers, colour_folder):
    body, kind = form(colour_folder / "test" / "red" / "00.png")
    for method, path in (("GET", "/model"), ("POST", "/predict")):
        answer = server.ask(method, path, body, {"content-type": kind, **headers})
        assert answer.status == 403
        assert answer.json["error"]


def test_its_own_page_may_ask_by_each_name_of_this_machine(server):
    for name in ("localhost", "127.0.0.1", "[::1]"):
        host = f"{name}:{server.port}"
        assert server.get("/model", host=host, origin=f"http://{host}").status == 200


def test_every_answer_forbids_what_the_page_does_not_need(server):
    for path in ("/", "/page.js", "/style.css", "/model", "/nothing"):
        headers = server.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


def test_many_at_once_are_all_answered(server, colour_folder):
    pictures = sorted((colour_folder / "test").glob("*/*.png"))
    alone = {path.name + path.parent.name: server.predict(path) for path in pictures}
    barrier = threading.Barrier(len(pictures))

    def ask(path):
        barrier.wait()
        return server.predict(path)

    with ThreadPoolExecutor(len(pictures)) as pool:
        answers = list(pool.map(ask, pictures))
    for path, answer in zip(pictures, answers, strict=True):
        assert answer.status == 200
        assert answer.json == alone[path.name + path.parent.name].json
