"""A server as users start it: the command in a process of its own."""

import json
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest


class Answered(NamedTuple):
    status: int
    headers: dict
    content: bytes

    @property
    def json(self):
        return json.loads(self.content)


class Server(NamedTuple):
    """Where a server answers, and its process."""

    address: str
    process: subprocess.Popen

    @property
    def port(self):
        return urlsplit(self.address).port

    def ask(self, method, path, body=None, headers=None):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answered(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask("GET", path, headers=headers)

    def predict(self, *files, query=""):
        """Send files, each a path or a pair of name and content, as a form."""
        body, kind = form(*files)
        return self.ask("POST", f"/predict{query}", body, {"content-type": kind})

    def predict_json(self, sent):
        body = sent if isinstance(sent, str | bytes) else json.dumps(sent)
        return self.ask("POST", "/predict", body, {"content-type": "application/json"})

    def connect(self):
        """Open a connection on which anything can be sent."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    @property
    def memory(self):
        """The bytes of memory that the process has now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def form(*files):
    """Write files as browsers send them."""
    parts = []
    for file in files:
        name, content = (
            file if isinstance(file, tuple) else (file.name, file.read_bytes())
        )
        parts += [
            b"--limit\r\ncontent-disposition: form-data; name=pictures; filename="
            b'"%s"\r\n\r\n' % name.encode(),
            content,
            b"\r\n",
        ]
    return b"".join([*parts, b"--limit--\r\n"]), "multipart/form-data; boundary=limit"


@contextmanager
def serving(model_file, *options):
    """Start the command on any free port, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "skresnet", "serve", model_file, "--port", "0"]
        + [str(option) for option in options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        if not line:
            pytest.fail(process.stderr.read())
        yield Server(line.removeprefix("Open ").strip(), process)
    finally:
        process.kill()
        _, said = process.communicate()
    # Whatever was asked of it.
    assert "Traceback" not in said
    assert "Error" not in said
