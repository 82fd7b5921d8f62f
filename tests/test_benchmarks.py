"""The summary of benchmarks, on files as they write them."""

import sys
from pathlib import Path

import pytest

# benchmarks/ is no part of the installed package; last, so that the package is tested
# as it is installed.
ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from benchmarks import summary  # noqa: E402
from benchmarks.figures import Figure, beside_rivals, of_mean, of_programs  # noqa: E402
from benchmarks.measure import Lap, Result  # noqa: E402
from benchmarks.report import machine, write_json  # noqa: E402

FACTS = machine()


def laps(*seconds):
    return [Lap(one, one, 0, None) for one in seconds]


def written(folder, figures, *, facts=FACTS, name="in_memory"):
    write_json(folder / f"{name}.json", facts, {"laps": []}, figures)
    return folder


def printed(capsys, monkeypatch, *arguments):
    """What the command prints, without what was printed before."""
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["summary", *map(str, arguments)])
    summary.main()
    return capsys.readouterr().out


def row(text, name):
    [line] = [line for line in text.splitlines() if line.startswith(f"  {name}  ")]
    return " ".join(line.removeprefix(f"  {name}").split())


@pytest.fixture
def commands(monkeypatch):
    """Two benchmarks, so that the others are not told as missing."""
    known = {"in_memory": ("in_memory",), "folder": ("folder",)}
    monkeypatch.setattr(summary, "COMMANDS", known)


def test_the_median_and_the_spread_of_laps_are_in_the_row(
    tmp_path, commands, capsys, monkeypatch
):
    figures = [
        Figure("fast", "pictures/s", [20.0, 22.0, 21.0]),
        of_mean("head", "accuracy", 0.91, 0.004),
        Figure("one lap", "MiB", [1234.4]),
    ]
    text = printed(capsys, monkeypatch, written(tmp_path, figures))
    assert row(text, "fast") == "21 pictures/s 20 to 22 in 3"
    assert row(text, "head") == "0.91 accuracy ± 0.004"
    assert row(text, "one lap") == "1,234 MiB"
    assert "folder: not measured" in text


def test_each_benchmark_is_told_with_its_machine_state_and_time(
    tmp_path, commands, capsys, monkeypatch
):
    facts = {**FACTS, "skresnet": "1.2.3", "commit": "abc123", "load_average": 0.25}
    written(tmp_path, [Figure("fast", "s", [1.0])], facts=facts)
    other = {**facts, "processor": "a slow one"}
    written(tmp_path, [Figure("slow", "s", [2.0])], facts=other, name="folder")
    lines = printed(capsys, monkeypatch, tmp_path).splitlines()
    assert any(line.startswith("B: a slow one, ") for line in lines)
    [first] = [line for line in lines if line.startswith("in_memory: A, 20")]
    assert "skresnet 1.2.3 at abc123, load average before: 0.25" in first
    assert any(line.startswith("folder: B, 20") for line in lines)


def test_what_could_not_run_is_absent_with_its_reason(
    tmp_path, commands, capsys, monkeypatch
):
    ours = "skresnet, {}"
    results = [
        Result("skresnet, float32", laps(2.0, 4.0)),
        Result("skresnet, int8", absent="no such instructions"),
        Result("rival", laps(6.0, 8.0)),
        Result("rival, int8", laps(1.0, 1.0)),
        Result("other rival", absent="not installed"),
    ]
    figures = beside_rivals(results, "net", "pictures/s", 8, ours)
    text = printed(capsys, monkeypatch, written(tmp_path, figures))
    assert row(text, "net, skresnet, float32") == "3 pictures/s 2 to 4 in 2"
    assert row(text, "net, ours beside rival") == "2.5 x 2 to 3 in 2"
    assert row(text, "net, skresnet, int8") == "absent"
    assert row(text, "net, ours beside other rival") == "absent"
    absent = "Absent: in_memory, net, ours beside "
    assert f"{absent}other rival: other rival: not installed\n" in text
    assert f"{absent}rival, int8: skresnet, int8: no such instructions\n" in text


def test_programs_that_print_less_have_fewer_figures():
    columns = [("", "s", float), (", again", "ms", lambda seconds: 1000 * seconds)]
    names, failures = ["both", "one", "none"], {"none": "not installed"}
    printed_each = {"both": [[3.0, 0.1], [4.0, 0.2]], "one": [[1.0], [2.0]]}
    figures = of_programs(names, printed_each, failures, columns)
    assert list(figures) == [
        Figure("both", "s", [3.0, 4.0]),
        Figure("both, again", "ms", [100.0, 200.0]),
        Figure("one", "s", [1.0, 2.0]),
        Figure("none", "s", absent="not installed"),
    ]


def test_the_earlier_release_stands_beside_with_the_change(
    tmp_path, commands, capsys, monkeypatch
):
    before = [
        Figure("faster", "pictures/s", [20.0, 21.0, 22.0]),
        Figure("as fast", "pictures/s", [20.0, 21.0, 25.0]),
        of_mean("head", "accuracy", 0.91, 0.004),
        Figure("bytes", "MB", [7.0]),
        Figure("grown", "MB", [7.0]),
        Figure("removed", "s", [1.0]),
    ]
    now = [
        Figure("faster", "pictures/s", [42.0, 43.0, 40.0]),
        Figure("as fast", "pictures/s", [22.0, 21.5, 24.0]),
        of_mean("head", "accuracy", 0.92, 0.002),
        Figure("bytes", "MB", [7.0]),
        Figure("grown", "MB", [14.0]),
        Figure("new", "s", [1.0]),
    ]
    arguments = (
        written(tmp_path / "now", now),
        "--compare",
        written(tmp_path / "before", before),
    )
    text = printed(capsys, monkeypatch, *arguments)
    assert row(text, "faster").endswith("x 2.000 beyond the spread")
    assert row(text, "as fast").endswith("x 1.048 within the spread")
    assert row(text, "head").endswith("+0.01 within the spread")
    assert row(text, "bytes").endswith("x 1.000 the same")
    assert row(text, "grown").endswith("x 2.000 spread unknown")
    assert row(text, "removed") == "- 1 s"
    assert row(text, "new") == "1 s -"
    assert "Not measured alike" not in text
    assert "tells nothing of the release" not in text


def test_another_machine_or_version_is_said_plainly(
    tmp_path, commands, capsys, monkeypatch
):
    figures = [Figure("fast", "pictures/s", [20.0, 21.0])]
    versions = {**FACTS["versions"], "numpy": "1.0"}
    other = {**FACTS, "processor": "a slow one", "versions": versions}
    now = written(tmp_path / "now", figures)
    written(now, figures, name="folder")
    before = written(tmp_path / "before", figures, facts=other)
    written(before, figures, facts={**FACTS, "versions": versions}, name="folder")
    text = printed(capsys, monkeypatch, now, "--compare", before)
    processor = f"processor is {FACTS['processor'] or 'not told'}, was a slow one"
    numpy = f"numpy is {FACTS['versions']['numpy']}, was 1.0"
    assert f"Not measured alike: {processor} (in_memory)\n" in text
    assert f"Not measured alike: {numpy} (folder, in_memory)\n" in text
    assert "Where the machine differs, a ratio tells nothing of the release" in text
    ends = [line for line in text.splitlines() if line.startswith("  fast  ")]
    assert ends[0].endswith("x 1.000  another machine")
    assert ends[1].endswith("the same")


def test_other_arguments_are_told_but_not_another_place_of_the_numbers(
    tmp_path, commands, capsys, monkeypatch
):
    figures = [Figure("fast", "pictures/s", [20.0, 21.0])]
    folders = []
    for place in ("now", "before"):
        monkeypatch.setattr(sys, "argv", ["in_memory", "--json", place])
        folders.append(written(tmp_path / place, figures))
    now, before = folders
    text = printed(capsys, monkeypatch, now, "--compare", before)
    assert row(text, "fast").endswith("the same")
    monkeypatch.setattr(sys, "argv", ["in_memory", "--batches", "9"])
    written(before, figures)
    text = printed(capsys, monkeypatch, now, "--compare", before)
    assert row(text, "fast").endswith("another command")
    assert "--batches 9 (in_memory)" in text


def test_a_file_without_a_summary_is_told(tmp_path, commands, capsys, monkeypatch):
    (tmp_path / "in_memory.json").write_text('{"machine": {}}')
    text = printed(capsys, monkeypatch, tmp_path)
    assert "in_memory.json has no summary" in text
    assert "in_memory: not measured" in text


def test_what_is_missing_is_run_by_a_command_of_its_own(tmp_path, capfd, monkeypatch):
    known = {"in_memory": ("in_memory",), "none": ("no_such_benchmark",)}
    monkeypatch.setattr(summary, "COMMANDS", known)
    monkeypatch.chdir(ROOT)
    written(tmp_path, [Figure("fast", "s", [1.0])])
    summary.run_missing(tmp_path)
    out = capfd.readouterr().out
    assert "none failed, with status 1." in out
    assert "in_memory failed" not in out


def test_the_summary_knows_all_benchmarks():
    files = (ROOT / "benchmarks").glob("*.py")
    writers = {file.stem for file in files if "write_json(" in file.read_text()}
    assert writers - {"report"} == {module for module, *_ in summary.COMMANDS.values()}
