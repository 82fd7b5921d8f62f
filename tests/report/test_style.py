"""How a report looks: its colours, and its layout in a real browser."""

import re
import shutil
import subprocess
from html import escape
from itertools import product

import numpy as np
import pytest

from skresnet import make_report

SCHEMES = ["light", "dark", "paper"]
GROUNDS = ["paper", "card", "notice"]
TEXTS = ["ink", "faint", "first", "second"]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
# A page around the report, which itself allows no script, that measures and asks.
FRAME = r"""<iframe style="width: {width}px; height: 900px; border: 0" srcdoc="{page}">
</iframe><script>onload = () => {{
const page = document.querySelector("iframe").contentDocument;
const say = (name, value) => document.body.append(`[${{name}}=${{value}}]`);
say("scrolls", page.documentElement.scrollWidth - page.documentElement.clientWidth);
for (const each of page.querySelectorAll(".scroll"))
  say(each.ariaLabel.match(/\w+/), each.scrollWidth - each.clientWidth);
const hint = page.querySelector(".hint");
say("hint", hint ? page.defaultView.getComputedStyle(hint).display : "absent");
say("ground", page.defaultView.getComputedStyle(page.body).backgroundColor);
}}</script>"""

CLICK = """<script>onload = () => {
const frame = document.querySelector("iframe").contentWindow;
frame.document.querySelector("header a").click();
setTimeout(() => document.body.append(
  `[place=${frame.location.href}][scrolled=${Math.round(frame.scrollY)}]`), 1000);
}</script>"""


@pytest.fixture(scope="module")
def report(pixel_model):
    """A report whose tables and names are wider than a phone."""
    names = [f"a class with quite a long name, {index}" for index in range(16)]
    model, X = pixel_model(n_classes=16, names=names)
    return make_report(model, X, [names[0], *model.predict(X)[1:]])


def palettes(page):
    """The custom properties of each scheme, by name."""
    light, dark, paper = re.findall(r":root \{(.*?)\}", page, flags=re.DOTALL)
    found = [
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))
        for block in (light, dark, paper)
    ]
    return dict(zip(SCHEMES, found, strict=True))


def rgb(colour):
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def contrast(one, other):
    """Contrast ratio of two colours, as WCAG 2.2 defines it."""
    shares = np.array([one, other])
    linear = np.where(
        shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4
    )
    dark, light = np.sort(linear @ [0.2126, 0.7152, 0.0722])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read_on_every_ground(report, scheme):
    colours = {name: rgb(c) for name, c in palettes(report.html)[scheme].items()}
    for ground, text in product(GROUNDS, TEXTS):
        ratio = contrast(colours[ground], colours[text])
        assert ratio >= 4.5, f"{text} on {ground}"  # level AA


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("tint", ["first", "second"])
def test_counts_can_be_read_on_the_strongest_tint(report, scheme, tint):
    colours = {name: rgb(c) for name, c in palettes(report.html)[scheme].items()}
    share = int(re.search(r"--share\) \* (\d+)%\), transparent", report.html)[1]) / 100
    cell = share * colours[tint] + (1 - share) * colours["card"]
    assert contrast(cell, colours["ink"]) >= 4.5


def in_browser(page, tmp_path, dark=False):
    """Show a page, and return what its script says of it."""
    path = tmp_path / "frame.html"
    path.write_text(page, encoding="utf-8")
    command = [
        CHROMIUM,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
        *("--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--hide-scrollbars"),
        *("--dump-dom", "--virtual-time-budget=5000"),
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        path.as_uri(),
    ]
    dom = subprocess.run(command, check=True, capture_output=True, timeout=120).stdout
    return dict(re.findall(r"\[(\w+)=([^\]]+)\]", dom.decode()))


def laid_out(report, tmp_path, width, dark=False):
    """Lay a report out at a width, and return what was measured."""
    page = FRAME.format(width=width, page=escape(report.html))
    return in_browser(page, tmp_path, dark)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
class TestInChromium:
    @pytest.mark.parametrize("width", [320, 390, 1280])
    def test_no_page_scrolls_sideways(self, report, tmp_path, width):
        assert laid_out(report, tmp_path, width)["scrolls"] == "0"

    def test_ten_classes_fit_a_phone_and_more_say_that_they_scroll(
        self, report, pixel_model, tmp_path
    ):
        model, X = pixel_model(n_classes=10)
        fitting = make_report(model, X, model.predict(X))
        ten = laid_out(fitting, tmp_path, 390)
        assert (ten["Scores"], ten["Rows"], ten["hint"]) == ("0", "0", "absent")
        sixteen = laid_out(report, tmp_path, 390)
        assert sixteen["Scores"] == "0"
        assert int(sixteen["Rows"]) > 0
        assert sixteen["hint"] == "block"

    def test_a_desktop_needs_no_scrolling_and_no_hint(self, report, tmp_path):
        wide = laid_out(report, tmp_path, 1280)
        assert (wide["Scores"], wide["Rows"], wide["hint"]) == ("0", "0", "none")

    def test_the_dark_scheme_follows_the_browser(self, report, tmp_path):
        light, dark = (
            laid_out(report, tmp_path, 900, dark=d)["ground"] for d in (0, 1)
        )
        assert light == "rgb(251, 250, 248)"
        assert dark == "rgb(21, 24, 28)"

    def test_links_stay_within_the_page_in_a_notebook_too(self, report, tmp_path):
        # A script of ours can look into the frame only without its sandbox.
        shown = report._repr_html_().replace('sandbox=""', "")
        said = in_browser(shown + CLICK, tmp_path)
        assert said["place"] == "about:srcdoc#advice"
        assert int(said["scrolled"]) > 1000
