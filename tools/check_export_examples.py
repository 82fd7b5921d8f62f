"""Run the JavaScript and C++ of docs/exporting.md, and compare it with the model.

It needs node and npm (which install onnxruntime-node, onnxruntime-web and sharp in a
folder that goes at the end), Chromium, g++ and the extra ``export``. What is missing is
said, and not run. Pictures lie in one folder a class, or in such folders for splits::

    python tools/check_export_examples.py ../shared/data/cats-dogs
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from skresnet import export_model, load_image_splits, make_image_classifier
from skresnet.export.pictures import sample_pixels

PAGE = Path(__file__).parents[1] / "docs" / "exporting.md"
NPM = ["npm", "install", "--ignore-scripts", "--no-fund", "--no-audit"]
SECONDS = 300

# Ends the script of the page in its own scope: classifies, and sends what it found.
REPORT = """
  const found = [];
  for (const url of await (await fetch("urls.json")).json())
    found.push(await classify(await (await fetch(url)).blob()));
  await fetch("found", { method: "POST", body: JSON.stringify(found) });
</script>
"""


def code(language):
    """Find the one block of a language on the page."""
    pattern = rf"^```{language}\n(.*?)^```$"
    (block,) = re.findall(pattern, PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return block


def in_node(folder, pictures):
    """Run the code for Node on picture files."""
    (folder / "classify.mjs").write_text(code("js"))
    done = subprocess.run(
        ["node", "classify.mjs", *pictures],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return np.array([json.loads(line) for line in done.stdout.splitlines()])


class Pages(SimpleHTTPRequestHandler):
    """Gives files of a folder, and takes what the page has found."""

    def log_message(self, *args):
        """Say nothing."""

    def do_POST(self):
        """Take the probabilities."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.found = json.loads(content)
        self.send_response(204)
        self.end_headers()
        self.server.is_done.set()


def in_browser(folder, pictures):
    """Run the code of the page in Chromium without a window."""
    page = code("html")
    assert page.count("</script>") == 1
    (folder / "page.html").write_text(page.replace("</script>", REPORT))
    shown = folder / "pictures"
    shown.mkdir()
    urls = []
    for number, picture in enumerate(pictures):
        urls.append(f"pictures/{number}{Path(picture).suffix}")
        shutil.copy(picture, folder / urls[-1])
    (folder / "urls.json").write_text(json.dumps(urls))
    handler = partial(Pages, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.is_done = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/page.html"
    command = [
        chromium(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-port=0",  # stays until it is ended
        f"--user-data-dir={folder / 'profile'}",
        address,
    ]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as browser:
        try:
            if not server.is_done.wait(SECONDS):
                raise TimeoutError(f"Chromium found nothing in {SECONDS} seconds.")
        finally:
            browser.terminate()
            server.shutdown()
    return np.array(server.found)


def in_cpp(folder, pixels):
    """Compile the code for C++ with OpenVINO's package, and run it on pixels."""
    import openvino

    package = Path(openvino.__file__).parent
    (library,) = (package / "libs").glob("libopenvino.so.*")
    (folder / "main.cpp").write_text(code("cpp"))
    subprocess.run(
        [
            *("g++", "-std=c++17", "main.cpp", "-o", "main"),
            *("-I", package / "include", library, f"-Wl,-rpath,{library.parent}"),
        ],
        cwd=folder,
        check=True,
    )
    found = []
    for picture in pixels:
        picture.tofile(folder / "picture.rgb")
        done = subprocess.run(
            ["./main", "model.xml", "picture.rgb"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        found.append([float(line) for line in done.stdout.split()])
    return np.array(found)


def chromium():
    """Find the browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def main():
    """Train, export, run, and print how far each is from the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", help="folder with train and test")
    parser.add_argument("--n", type=int, default=50, help="test pictures")
    options = parser.parse_args()
    data = load_image_splits(options.pictures)
    model = make_image_classifier(network="efficientnet_lite0", random_state=0)
    model.fit(data.train.data, data.train.target)
    chosen = np.linspace(0, len(data.test.data) - 1, options.n).astype(int)
    pictures = data.test.data[np.unique(chosen)].tolist()
    expected = model.predict_proba(pictures)
    pixels = sample_pixels(model[0], pictures)
    print(f"| where | pictures | largest | median | other class |\n{'|---' * 5}|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export_model(model, folder / "model.onnx")
        export_model(model, folder / "model.xml")
        if shutil.which("npm"):
            packages = ["onnxruntime-node", "onnxruntime-web", "sharp"]
            subprocess.run([*NPM, *packages], cwd=folder, check=True, stdout=2)
        ways = [
            ("Node, onnxruntime-node and sharp", "node", in_node, pictures),
            ("Chromium, onnxruntime-web", chromium(), in_browser, pictures),
            ("C++, OpenVINO, the pixels of the model", "g++", in_cpp, pixels),
        ]
        for title, program, run, given in ways:
            if not (program and shutil.which(program)):
                print(f"| {title} | not run: {program or 'chromium'} is missing |")
                continue
            found = run(folder, given)
            differences = np.abs(found - expected).max(axis=1)
            others = (found.argmax(axis=1) != expected.argmax(axis=1)).sum()
            print(
                f"| {title} | {len(found)} | {differences.max():.1g} "
                f"| {np.median(differences):.1g} | {others} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
