"""The page in a real browser, at the widths of a desk and a phone."""

import re
import shutil
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

# Drops files on the page as a hand with a mouse does.
DROP = """(files) => {
  const transfer = new DataTransfer();
  for (const { name, content } of files) {
    const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  const event = { bubbles: true, cancelable: true, dataTransfer: transfer };
  const place = document.querySelector("main");
  place.dispatchEvent(new DragEvent("dragover", event));
  const isShown = document.body.classList.contains("over");
  place.dispatchEvent(new DragEvent("drop", event));
  return isShown;
}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(params=[1280, 390])
def width(request):
    return request.param


@pytest.fixture
def open_page(browser, server):
    """Open the page, and find at the end that it had no errors and asked no others."""
    contexts, faults, asked = [], [], []

    def open_page(width=1280, address=server.address, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.wait_for_selector("#about:not([hidden])")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
    origins = {re.match(r"(data:|\w+://[^/]+/)", url)[1] for url in asked}
    assert origins <= {server.address, "data:"}


def cards(page, count):
    """Wait until that many pictures have their answer, and give them in order."""
    page.wait_for_function(
        "n => document.querySelectorAll('[data-state=done],[data-state=failed]')"
        ".length === n",
        arg=count,
    )
    return page.locator(".picture").all()


def does_not_scroll_sideways(page):
    return page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "red.jpg"
    pixels = np.random.default_rng(1).normal((200, 50, 40), 30, (40, 48, 3))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    image.resize((960, 800), Image.Resampling.NEAREST).save(path)
    return path


@pytest.fixture(scope="module")
def heic(jpeg):
    pillow_heif = pytest.importorskip("pillow_heif")
    path = jpeg.with_name("IMG_0001.HEIC")
    pillow_heif.from_pillow(Image.open(jpeg)).save(path)
    return path


def test_a_jpeg_that_is_dropped_shows_its_classes(open_page, jpeg, width):
    page = open_page(width)
    content = b64encode(jpeg.read_bytes()).decode()
    assert page.evaluate(DROP, [{"name": "red.jpg", "content": content}])
    (card,) = cards(page, 1)
    assert card.locator("h3").inner_text() == "red.jpg"
    rows = card.locator(".predictions li").all()
    assert rows[0].locator(".class").inner_text() == "red"
    shares = [row.locator(".probability").inner_text() for row in rows]
    assert len(shares) == 3
    values = [float(share.strip("<>%")) for share in shares]
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(100, abs=0.3)
    bars = [
        row.locator(".bar").evaluate(
            "bar => parseFloat(getComputedStyle(bar, '::before').width)"
            "/ bar.getBoundingClientRect().width"
        )
        for row in rows
    ]
    assert bars[0] == pytest.approx(values[0] / 100, abs=0.03)
    image = card.locator(".thumbnail")
    assert image.get_attribute("alt") == "The picture, red to the model"
    assert image.evaluate("image => image.naturalWidth") == 512
    assert does_not_scroll_sideways(page)


def test_a_heic_of_a_phone_is_shown_though_the_browser_cannot(open_page, heic, width):
    page = open_page(width)
    page.set_input_files("#chosen", heic)
    (card,) = cards(page, 1)
    assert card.locator(".class").first.inner_text() == "red"
    assert card.locator(".thumbnail").evaluate("image => image.naturalWidth") == 512


def test_a_broken_file_has_its_error_and_spoils_no_other(
    open_page, jpeg, tmp_path, width
):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(jpeg.read_bytes()[:3000])
    page = open_page(width)
    page.set_input_files("#chosen", [broken, jpeg])
    failed, whole = cards(page, 2)
    assert "Cannot be read: the file ends early" in failed.inner_text()
    assert "broken.jpg" in failed.inner_text()
    assert not failed.locator(".frame").is_visible()
    assert whole.locator(".class").first.inner_text() == "red"
    assert page.locator("#tally").inner_text() in (
        "unreadable 1 · red 1",
        "red 1 · unreadable 1",
    )
    assert does_not_scroll_sideways(page)


def test_fifty_files_at_once_are_all_shown_in_their_order(
    open_page, colour_folder, tmp_path, width
):
    sources = sorted(colour_folder.glob("*/*/*.png"))[:50]
    labels = [source.parent.name for source in sources]
    files = [tmp_path / f"{index:02} {name}.png" for index, name in enumerate(labels)]
    for file, source in zip(files, sources, strict=True):
        file.write_bytes(source.read_bytes())
    page = open_page(width)
    page.set_input_files("#chosen", files)
    shown = cards(page, 50)
    names = [card.locator("h3").inner_text() for card in shown]
    assert names == [file.name for file in files]
    assert page.locator("#results-title").inner_text() == "50 pictures"
    best = [card.locator(".class").first.inner_text() for card in shown]
    assert sum(map(str.__eq__, best, labels)) >= 48
    assert (
        page.locator("#progress").evaluate(
            "bar => bar.style.getPropertyValue('--share')"
        )
        == "1"
    )
    assert does_not_scroll_sideways(page)
    # More of them come before those that are there.
    page.set_input_files("#chosen", files[7])
    assert cards(page, 51)[0].locator("h3").inner_text() == files[7].name


def test_a_picture_unlike_the_training_is_called_so(open_page, tmp_path):
    pixels = np.zeros((40, 48, 3), np.uint8)
    pixels[::4] = 255
    Image.fromarray(pixels).save(tmp_path / "stripes.png")
    page = open_page()
    page.set_input_files("#chosen", tmp_path / "stripes.png")
    (card,) = cards(page, 1)
    assert "Unlike anything the model was trained on" in card.inner_text()
    assert page.locator("#tally").inner_text() == "unlike the training 1"


def test_the_keyboard_alone_is_enough(open_page, jpeg, width):
    page = open_page(width)
    page.once("filechooser", lambda chooser: chooser.set_files(jpeg))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "chosen"
    ring = page.locator("#drop label").evaluate("e => getComputedStyle(e).outlineStyle")
    assert ring == "solid"
    page.keyboard.press("Enter")
    cards(page, 1)
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.id") != "clear":
        assert page.evaluate("document.activeElement !== document.body")
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(".picture").count() == 0
    assert page.evaluate("document.activeElement.id") == "chosen"


def test_a_screen_reader_is_told_what_is_where(open_page, jpeg):
    page = open_page()
    assert page.get_by_role("heading", level=1).inner_text()
    assert page.get_by_label("Choose pictures").get_attribute("type") == "file"
    page.set_input_files("#chosen", jpeg)
    cards(page, 1)
    page.wait_for_function("() => document.getElementById('spoken').textContent")
    assert page.get_by_role("status").inner_text() == "Done. 1 picture: red 1"
    region = page.get_by_role("region", name="1 picture")
    item = region.get_by_role("listitem").first
    assert item.get_by_role("heading", level=3).inner_text() == "red.jpg"
    listed = item.get_by_role("list", name="Classes, the most probable first")
    assert listed.get_by_role("listitem").count() == 3
    assert item.get_by_role("img", name="The picture, red to the model").count() == 1


def test_where_the_model_looked_is_shown_and_hidden_again(open_page, jpeg, width):
    page = open_page(width, reduced_motion="reduce")
    page.set_input_files("#chosen", jpeg)
    (first,) = cards(page, 1)
    assert first.locator(".activation").get_attribute("src") is None
    button = page.get_by_role("button", name="Where it looked")
    button.press("Enter")
    page.wait_for_selector(".activation[src]")
    assert button.get_attribute("aria-pressed") == "true"
    page.wait_for_function(
        "() => +getComputedStyle(document.querySelector('.activation')).opacity > 0.7"
    )
    sizes = "image => [image.naturalWidth, image.naturalHeight]"
    assert first.locator(".activation").evaluate(sizes) == first.locator(
        ".thumbnail"
    ).evaluate(sizes)
    # Those that come while it is shown have it at once.
    page.set_input_files("#chosen", jpeg)
    newest, _ = cards(page, 2)
    assert newest.locator(".activation").get_attribute("src")
    button.press("Enter")
    page.wait_for_function(
        "() => +getComputedStyle(document.querySelector('.activation')).opacity === 0"
    )
    assert button.get_attribute("aria-pressed") == "false"


def test_the_name_of_a_file_is_text_and_never_markup(open_page, jpeg, tmp_path):
    name = "<img src=x onerror=alert(1)>.jpg"
    (tmp_path / name).write_bytes(jpeg.read_bytes())
    page = open_page()
    page.set_input_files("#chosen", tmp_path / name)
    (card,) = cards(page, 1)
    assert card.locator("h3").inner_text() == name
    assert card.locator(".thumbnail").count() == 1


def test_a_file_beyond_the_limit_is_told_without_being_sent(open_page, tmp_path):
    (tmp_path / "large.tif").write_bytes(bytes(5 * 2**20))
    page = open_page()
    page.on("request", lambda request: pytest.fail(request.url))
    page.set_input_files("#chosen", tmp_path / "large.tif")
    (card,) = cards(page, 1)
    assert "larger than the 4 MiB" in card.inner_text()


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_scheme_of_the_browser_and_fits(
    open_page, jpeg, width, scheme, tmp_path
):
    long = tmp_path / ("a name without any place to break " * 5).replace(" ", "_")
    long = long.with_suffix(".jpg")
    long.write_bytes(jpeg.read_bytes())
    page = open_page(width, color_scheme=scheme)
    page.set_input_files("#chosen", [jpeg, long])
    cards(page, 2)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(251, 250, 248)", "dark": "rgb(21, 24, 28)"}[scheme]
    # As of a model that knows many classes.
    page.locator("#tally").evaluate(
        "e => { e.textContent = 'a class 1 · '.repeat(12) }"
    )
    heights = page.evaluate(
        "() => [...document.querySelectorAll('h2, h3, button')]"
        ".map((e) => e.getBoundingClientRect().height)"
    )
    assert min(heights) > 10
    assert max(heights) < 40  # a line each
    assert does_not_scroll_sideways(page)


def test_a_server_that_has_gone_is_told(browser, server, jpeg):
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.address)
    page.wait_for_selector("#about:not([hidden])")
    context.set_offline(True)
    page.set_input_files("#chosen", jpeg)
    (card,) = cards(page, 1)
    assert "The server does not answer" in card.inner_text()
    context.close()


def test_the_code_of_the_documentation_gets_a_class(open_page, jpeg):
    documented = Path(__file__).parents[2] / "docs" / "serving.md"
    (code,) = re.findall(r"^```js\n(.*?)^```$", documented.read_text(), re.M | re.S)
    page = open_page()
    content = b64encode(jpeg.read_bytes()).decode()
    call = (
        "classOf(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], 'a'))"
    )
    assert page.evaluate(f"(content) => {{ {code} return {call}; }}", content) == "red"
