"""Change the code of a room in small ways, and see whether its tests notice.

``python tools/mutation.py cache --sample 60`` draws 60 of the changes that cosmic-ray
knows for ``skresnet/cache`` (another comparison, another number, a condition negated,
an exception renamed, ...), makes each in a copy of the checkout, runs the tests of the
room, and prints the share that they noticed and the changes that survived, each as a
diff. Needs ``pip install cosmic-ray``. Annotations are left alone: nobody runs them.
On a slow machine, ``--minutes 10`` stops after that time and counts what was tried.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What is changed, and the tests that are to notice.
ROOMS = {
    "embedding": ("skresnet/embedding.py", "tests/embedding tests/test_embedder.py"),
    "classifier": (
        "skresnet/classifier.py",
        "tests/test_checks_before_reading.py tests/head tests/sklearn_api",
    ),
    "head": ("skresnet/head", "tests/head tests/sklearn_api"),
    "reading": ("skresnet/reading", "tests/reading"),
    "cache": ("skresnet/cache", "tests/cache"),
}
CONFIG = """\
[cosmic-ray]
module-path = "{module}"
timeout = {timeout}
excluded-modules = []
test-command = "{python} -m pytest -x -q -p no:cacheprovider {tests}"

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = ["core/ReplaceBinaryOperator_BitOr_.*"]
"""


def copy_checkout(folder: Path) -> None:
    """Copy what git tracks, and link the pictures that tests may look for."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    for name in listed.stdout.split("\0")[:-1]:
        target = folder / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    if (shared := ROOT.parent / "shared").is_dir():
        (folder / "shared").symlink_to(shared.resolve())


def leave_a_sample(session: Path, size: int, seed: int) -> None:
    """Mark all but some of the pending changes as skipped."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    with use_db(session, WorkDB.Mode.open) as database:
        jobs = {
            str((change.module_path, change.operator_name, change.occurrence)): job
            for job, (change,) in (
                (item.job_id, item.mutations) for item in database.pending_work_items
            )
        }
        drawn = random.Random(seed).sample(sorted(jobs), min(size, len(jobs)))
        for change in jobs.keys() - set(drawn):
            skipped = WorkResult(WorkerOutcome.SKIPPED, "not in the sample")
            database.set_result(jobs[change], skipped)


def score(session: Path) -> str:
    """Say how many of the changes that were tried the tests noticed."""
    from cosmic_ray.work_db import WorkDB, use_db

    with use_db(session, WorkDB.Mode.open) as database:
        tried = [r.is_killed for _, r in database.results if r.test_outcome is not None]
    return f"{sum(tried)} of {len(tried)} changes were noticed."


def main() -> None:
    """Run the changes of one room."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--sample", type=int, default=60, help="changes to try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=300, help="seconds a change")
    parser.add_argument("--minutes", type=float, help="for all changes together")
    options = parser.parse_args()
    module, tests = ROOMS[options.room]
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        checkout = Path(folder, "checkout")
        config, session = Path(folder, "config.toml"), Path(folder, "session.sqlite")
        config.write_text(
            CONFIG.format(
                module=module,
                tests=tests,
                timeout=options.timeout,
                python=sys.executable,
            )
        )
        programs = Path(sys.executable).parent

        def run(
            program: str, *arguments: str | Path, seconds: float | None = None
        ) -> str:
            done = subprocess.run(
                [programs / program, *arguments],
                cwd=checkout,
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(checkout)},
                check=True,
                capture_output=True,
                text=True,
                timeout=seconds,
            )
            return done.stdout

        run("cosmic-ray", "baseline", config)
        run("cosmic-ray", "init", config, session)
        run("cr-filter-operators", session, config)
        leave_a_sample(session, options.sample, options.seed)
        with suppress(subprocess.TimeoutExpired):
            limit = options.minutes and 60 * options.minutes
            run("cosmic-ray", "exec", config, session, seconds=limit)
        print(run("cr-report", session, "--show-diff", "--surviving-only"))
        print(f"{options.room}: {score(session)}")


if __name__ == "__main__":
    main()
