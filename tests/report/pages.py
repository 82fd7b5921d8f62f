"""Reading a report as a browser and a screen reader do."""

from html.parser import HTMLParser

_WITHOUT_END = {"meta", "img", "br"}


class Page(HTMLParser):
    """A page taken apart: its elements, and the text of each section and table.

    Raises an error where an end tag does not fit.
    """

    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.sections = {}
        self.tables = {}
        self._open = []
        self._section = self._table = None
        self.feed(html)
        self.close()
        assert not self._open, f"not closed: {self._open}"
        # As a browser does, line breaks and indents are one space.
        self.sections = {k: " ".join(v.split()) for k, v in self.sections.items()}

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.elements.append((tag, attrs))
        if tag not in _WITHOUT_END:
            self._open.append(tag)
        if tag == "section":
            self._section = attrs["id"]
            self.sections[self._section] = ""
        elif tag == "table":
            self._table = []
            self.tables.setdefault(self._section, []).append(self._table)
        elif tag == "tr":
            self._table.append([])
        elif tag in ("td", "th"):
            self._table[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        if tag == "section":
            self._section = None

    def handle_data(self, data):
        if self._section is not None and "style" not in self._open:
            self.sections[self._section] += data
        if {"td", "th"} & set(self._open):
            self._table[-1][-1] += data

    def all(self, tag):
        """The attributes of each element with that tag."""
        return [attrs for name, attrs in self.elements if name == tag]
