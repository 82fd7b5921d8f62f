"""The page about bad pictures shows what really happens."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_the_page_is_the_one_that_the_tool_prints():
    table = subprocess.run(
        [sys.executable, ROOT / "tools" / "bad_pictures_table.py"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert table.count("\n") > 50
    assert table in (ROOT / "docs" / "bad_pictures.md").read_text(encoding="utf-8")
