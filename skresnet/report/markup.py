"""Pieces of HTML; everything that comes from outside is escaped here."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from skresnet.text import shown


def text(value: Any) -> str:
    """Escape what is to be read as it is, also within a quoted attribute."""
    return html.escape(shown(value))


def lines(code: str) -> str:
    """Escape code, whose line breaks remain."""
    return "\n".join(text(line) for line in code.split("\n"))


def name(value: Any) -> str:
    """Write a class or file name, isolated from the direction of the text around it."""
    return f"<bdi>{text(value)}</bdi>"


def percent(share: float) -> str:
    """Write a share between 0 and 1, and 100% or 0% only where it is exactly that."""
    if 0 < share < 0.0005:
        return "&lt;0.1%"
    if 0.9995 <= share < 1:
        return "&gt;99.9%"
    return f"{100 * share:.1f}%"


def counted(number: int, one: str, many: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def section(identifier: str, title: str, *parts: str) -> str:
    """Make a section of the page."""
    body = "\n".join(part for part in parts if part)
    return (
        f'<section id="{identifier}" aria-labelledby="{identifier}-title">\n'
        f'<h2 id="{identifier}-title">{title}</h2>\n{body}\n</section>'
    )


def paragraph(content: str) -> str:
    """Make a paragraph of HTML."""
    return f"<p>{content}</p>"


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = ""
) -> str:
    """Make a table whose first column heads its rows; it scrolls where it is too wide.

    Cells are HTML, and may begin with ``<td`` to bring attributes.
    """
    first, *others = head
    top = f'<th scope="col">{first}</th>' + "".join(
        f'<th scope="col" class="number"><span>{cell}</span></th>' for cell in others
    )
    body = "\n".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(
            cell if cell.startswith("<td") else f'<td class="number">{cell}</td>'
            for cell in row[1:]
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}">\n'
        f'<table class="{kind}"><caption>{caption}</caption>\n'
        f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def picture(image: Image.Image, description: str) -> str:
    """Embed a picture as JPEG, to be shown at half its pixels."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=80, optimize=True)
    data = b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<img src="data:image/jpeg;base64,{data}" alt="{text(description)}" '
        f'width="{-(-image.width // 2)}" height="{-(-image.height // 2)}">'
    )
