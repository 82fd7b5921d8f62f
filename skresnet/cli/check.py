"""`skresnet check`."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skresnet.cli.models import fitted
from skresnet.cli.options import (
    cache_options,
    checked_embedder,
    chosen_cache,
    embedder_options,
    examples,
    files_in,
    force_option,
    group_option,
    option,
    random_state_option,
    table_options,
)
from skresnet.cli.outputs import (
    beside,
    check_not_inputs,
    check_outputs,
    csv_line,
    writing,
)
from skresnet.cli.pictures import load
from skresnet.cli.sources import source_of
from skresnet.cli.terminal import say

if TYPE_CHECKING:
    import numpy as np

    from skresnet.auditing import ImageCheck
    from skresnet.cli.sources import Source


@click.command(
    short_help="Find what is wrong with a data set, before training.",
    epilog=examples(
        "skresnet check photos",
        "skresnet check photos --group-by parent --out photos-check.html",
        "skresnet check labels.csv --group-by subject",
    ),
)
@click.argument("place", metavar="FOLDER_OR_TABLE")
@table_options
@option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("check.html"),
    help="HTML file to write the page to; the table is written beside it, to check.csv "
    "for check.html.",
)
@force_option
@group_option
@option(
    "--false-alarms",
    type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
    default=0.001,
    help="About the share of pictures without a copy that may be listed with a near "
    "one.",
)
@random_state_option
@cache_options
@embedder_options
def check(
    place: str,
    out: Path,
    force: bool,
    group_by: str | None,
    false_alarms: float,
    random_state: int,
    cache: Path | None,
    no_cache: bool,
    **params: Any,
) -> None:
    """Find what is wrong with the pictures in FOLDER_OR_TABLE, before training.

    It is a folder with one folder a class, one with splits of such folders, or a CSV
    or Parquet file that names pictures and classes. Looked for are files that cannot
    be read or look wrong, copies and near copies within and across splits, groups in
    several splits, classes that look the same, and labels that are probably wrong.

    Needs `pip install "skresnet[audit]"`.
    """
    from skresnet.auditing import check_images
    from skresnet.auditing.labels import check_cleanlab
    from skresnet.report.report import check_report_support

    outputs = [out, beside(out, ".csv")]
    check_outputs(outputs, force=force)
    try:
        check_cleanlab("check")
        check_report_support("check")
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    source, params = source_of(place, params)
    params = checked_embedder(params)
    folder_of_cache = chosen_cache(cache, no_cache)
    paths, labels, splits, groups, classes = _loaded(source, group_by)
    check_not_inputs(outputs, [*paths, *files_in(folder_of_cache, **params), place])
    embedder = fitted(_new_embedder(folder_of_cache, random_state, params))
    # What the embedder prints is news of progress, not part of a command's output.
    with redirect_stdout(sys.stderr):
        found = check_images(
            paths,
            labels,
            splits=splits,
            groups=groups,
            classes=classes,
            embedder=embedder,
            false_alarm_rate=false_alarms,
            n_jobs=params["embedder__n_jobs"],
        )
    with writing(*outputs, force=force) as (page, table):
        found.save(page)
        table.write_text(_table(found), encoding="utf-8", errors="surrogateescape")
    _tell(found)
    say(f"Page: {out}", wrap=False)
    say(f"Table: {outputs[1]}", wrap=False)


def _loaded(
    source: Source, group_by: str | None
) -> tuple[list[Any], list[str], list[str], np.ndarray | None, list[str]]:
    """List pictures with their labels, splits and groups, and all classes."""
    import numpy as np

    data = load(source, group_by, allow_empty=True)
    names = [name for name in ("train", "val", "test") if name in data]
    parts = [data[name] for name in names] or [data]
    groups = [part.groups for part in parts]
    return (
        [path for part in parts for path in part.data],
        [name for part in parts for name in part.target.tolist()],
        [
            name
            for name, part in zip(names or [""], parts, strict=True)
            for _ in part.data
        ],
        None if groups[0] is None else np.concatenate(groups),
        data.target_names,
    )


def _new_embedder(cache: Path | None, random_state: int, params: dict[str, Any]) -> Any:
    from skresnet.embedder import EMBEDDERS

    return EMBEDDERS[params.pop("network")](
        cache=cache,
        random_state=random_state,
        verbose=int(sys.stderr.isatty()),
        **{name.removeprefix("embedder__"): value for name, value in params.items()},
    )


def _table(found: ImageCheck) -> str:
    from skresnet.auditing import Finding

    lines = [csv_line(Finding._fields)]
    for finding in found.findings:
        cells = ["" if value == -1 or value != value else value for value in finding]
        lines.append(csv_line(cells))
    return "".join(lines)


def _tell(found: ImageCheck) -> None:
    """Count pictures and findings."""
    import numpy as np

    from skresnet.text import counted

    n_classes = len({label for label, _ in found.counts})
    splits = Counter[str]()
    for (_, split), number in found.counts.items():
        splits[split] += number
    shares = ", ".join(f"{name} {number}" for name, number in splits.items() if name)
    say(
        f"Pictures: {len(found.pictures)} of {counted(n_classes, 'class', 'classes')}"
        + (f" ({shares})" if shares else "")
    )
    say(
        "Labels were not judged, which takes two classes of two pictures each."
        if np.isnan(found.accuracy)
        else f"Accuracy on pictures that were held out: {found.accuracy:.4f}"
    )
    kinds = Counter(finding.kind for finding in found.findings)
    for kind, number in kinds.items():
        say(f"{kind[0].upper()}{kind[1:]}: {number}")
    if not kinds:
        say("Nothing was found.")
