"""`skresnet serve`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from skresnet.cli.models import load_model, start_engine
from skresnet.cli.options import examples, option
from skresnet.cli.terminal import say

_PACKAGES = {
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
}


@click.command(
    short_help="Show a page to drop pictures on, and an interface for programs.",
    epilog=examples(
        "skresnet serve model.joblib",
        "skresnet serve model.joblib --port 0",
        "skresnet serve model.joblib --host 0.0.0.0 --port 8080",
        "skresnet serve model.joblib --domain models.example.org",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@option(
    "--host",
    default="127.0.0.1",
    help="Address to listen at: by default this machine alone, 0.0.0.0 for all that "
    "can reach it.",
)
@option(
    "--domain",
    "domains",
    multiple=True,
    help="A name that requests come with through a proxy in front of it; more than one "
    "may be given.",
)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    help="Port to listen at; 0 takes any that is free.",
)
@option(
    "--max-mib",
    type=click.FloatRange(0, min_open=True),
    default=64,
    help="Most MiB of a request.",
)
@option(
    "--max-pictures",
    type=click.IntRange(min=1),
    default=64,
    help="Most pictures of a request.",
)
@option(
    "--max-seconds",
    type=click.FloatRange(0, min_open=True),
    default=60,
    help="For how long a request may be sent, and for how long its answer may take.",
)
@option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=16,
    help="Most pictures, of all requests, that go through the network at once.",
)
@option(
    "--jobs",
    type=int,
    default=-1,
    help="Threads that read pictures meanwhile, -1 for one a processor.",
)
@option(
    "--false-alarms",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    help="The share of pictures like those of the training that may be called unlike "
    "them.",
)
def serve(
    model: Path,
    host: str,
    domains: tuple[str, ...],
    port: int,
    max_mib: float,
    max_pictures: int,
    max_seconds: float,
    batch_size: int,
    jobs: int,
    false_alarms: float,
) -> None:
    """Answer with the MODEL in a file what is on the pictures that it is sent.

    Open the address that is printed in a browser and drop pictures on the page.
    Programs send theirs to /predict; /openapi.json describes it. Ctrl-C ends the
    server. It keeps no picture, and reads nothing that a request names.

    Whoever reaches the address can use it: it has no passwords and no encryption.

    A model in a .joblib file is a pickle: loading it runs what it contains. Load only
    files from people you trust. One in a .skops file runs nothing.
    """
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        packages = " ".join(_PACKAGES[name] for name in missing)
        raise click.ClickException(
            f"serve needs {packages}, not installed here: python -m pip install "
            f"{packages}."
        )
    from skresnet.server import Limits, make_app
    from skresnet.server.running import LOOPBACK, address, listen, run

    max_bytes = int(max_mib * 2**20)
    limits = Limits(
        max_bytes=max_bytes,
        max_pictures=max_pictures,
        max_seconds=max_seconds,
        max_memory=4 * max_bytes,
    )
    # Before the model is loaded, which takes its time.
    with listen(host, port) as sock:
        is_private = sock.getsockname()[0] in LOOPBACK
        names = [*LOOPBACK, host, *domains]
        loaded = load_model(model)
        start_engine(loaded["embedder"])
        app = make_app(
            loaded,
            name=model.stem,
            limits=limits,
            hosts=names if is_private or domains else None,
            false_alarm_rate=false_alarms,
            batch_size=batch_size,
            n_jobs=jobs,
        )
        say(f"Open {address(sock)}")
        if not is_private:
            say("Whoever reaches this machine can use it.", err=True)
        say("Ctrl-C ends it.", err=True)
        run(app, sock, max_seconds=max_seconds)
