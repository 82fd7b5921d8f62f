"""`skresnet serve` as a process: how it begins, and how it ends."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from click.testing import CliRunner
from servers import form, serving

from skresnet import save_model
from skresnet.cli import main, serve


@pytest.fixture
def refused(tmp_path):
    """What the command says before it would load a model, which there is not."""

    def refused(*options):
        arguments = ["serve", str(tmp_path / "none.joblib"), *map(str, options)]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 1
        return result.stderr

    return refused


def test_a_port_in_use_is_told_before_the_model_is_loaded(refused):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused("--port", port) == (
            f"Error: Port {port} of 127.0.0.1 is in use: choose another one with "
            "--port, or 0 for any that is free.\n"
        )


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_not_this_machine_is_told(refused, host):
    assert f"{host} is no address of this machine" in refused("--host", host)


def test_a_file_that_is_no_model_is_an_error(refused):
    assert "There is no model" in refused("--port", 0)


def test_a_package_that_is_missing_is_named(refused, monkeypatch):
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    assert "python -m pip install starlette uvicorn python-multipart" in refused()


def test_it_listens_to_this_machine_alone_unless_told(server):
    assert server.address == f"http://127.0.0.1:{server.port}/"
    # Another address of this machine, by which others would reach it.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port))


def test_ctrl_c_ends_it_quietly_and_answers_who_is_waiting(served_model, colour_folder):
    pictures = sorted((colour_folder / "test").glob("*/*.png"))
    body, kind = form(*pictures)
    answers = []
    with serving(served_model) as server:

        def ask():
            with suppress(OSError):  # nobody listens any longer
                for _ in range(100):
                    answers.append(
                        server.ask("POST", "/predict", body, {"content-type": kind})
                    )

        with server.connect() as idle:
            idle.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(1000).startswith(b"HTTP/1.1 200")
            client = threading.Thread(target=ask)
            client.start()
            while not answers:
                client.join(0.01)
            server.process.send_signal(signal.SIGINT)
            client.join(120)
            out, err = server.process.communicate(timeout=120)
    assert {answer.status for answer in answers} <= {200, 503}
    assert server.process.returncode == 0
    assert (out, err) == ("", "Ctrl-C ends it.\n")


def test_a_request_on_its_way_is_told_that_the_server_ends(served_model):
    with serving(served_model) as server, server.connect() as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )
        assert server.get("/health").status == 200  # so that it was seen
        server.process.send_signal(signal.SIGINT)
        said = connection.recv(10_000)
        while chunk := connection.recv(10_000):
            said += chunk
        assert server.process.wait(120) == 0
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body) == {"error": "The server is about to end."}


def test_told_to_it_listens_to_all_and_says_so(colour_model, colour_folder, tmp_path):
    save_model(colour_model, tmp_path / "colours.skops")
    with serving(tmp_path / "colours.skops", "--host", "0.0.0.0") as server:
        socket.create_connection(("127.0.0.2", server.port)).close()
        assert server.get("/health", host="any.name.example").status == 200
        answer = server.predict(colour_folder / "test" / "red" / "00.png")
        assert answer.json["pictures"][0]["predictions"][0]["class"] == "red"
        server.process.send_signal(signal.SIGINT)
        _, err = server.process.communicate(timeout=120)
    assert err.startswith("Whoever reaches this machine can use it.\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_its_page_works_behind_a_proxy_by_the_name_of_that_one(
    served_model, colour_folder, host
):
    body, kind = form(colour_folder / "test" / "red" / "00.png")

    def status(name, origin):
        headers = {"content-type": kind, "host": name, "origin": origin}
        return server.ask("POST", "/predict", body, headers).status

    domains = ("--domain", "models.example", "--domain", "Cats.Example")
    with serving(served_model, "--host", host, *domains) as server:
        # As a browser asks the proxy, and the proxy, by the same name, the server.
        assert status("models.example", "https://models.example") == 200
        assert status("cats.example:8443", "https://cats.example:8443") == 200
        assert status("models.example", "https://evil.example") == 403
        assert status("evil.example", "https://evil.example") == 403
        assert server.get("/health").status == 200  # by its own name, as ever


LARGE = 24_000_000  # bytes, more than the buffers of the system take

GIVES_MUCH = f"""
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from skresnet.server.running import listen, run
sock = listen("127.0.0.1", 0)
print(sock.getsockname()[1], flush=True)
app = Starlette(routes=[Route("/", lambda request: Response(bytes({LARGE})))])
run(app, sock, max_seconds=1)
"""


@pytest.fixture
def large_answer():
    """A connection on which a large answer comes, for clients that read a second."""
    process = subprocess.Popen(
        [sys.executable, "-c", GIVES_MUCH], stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(process.stdout.readline())
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
            connection.settimeout(30)
            connection.connect(("127.0.0.1", port))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            yield connection
    finally:
        process.kill()
        process.communicate()


def read(connection, pause):
    n_bytes = 0
    with suppress(ConnectionResetError):
        while n_bytes < LARGE and (chunk := connection.recv(2**19)):
            n_bytes += len(chunk)
            time.sleep(pause)
    return n_bytes


def test_a_client_on_a_slow_line_gets_all_of_a_large_answer(large_answer):
    assert read(large_answer, 0.02) >= LARGE


def test_a_client_that_does_not_read_is_not_waited_for(large_answer):
    time.sleep(4)
    assert 0 < read(large_answer, 0) < LARGE
