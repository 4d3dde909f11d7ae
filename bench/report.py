"""Puts the results in docs/benchmarks into docs/benchmarks.md, as tables and as plots.

The page is written by people, but for what stands between its marks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import results
from bench.results import Results, Row

PAGE = results.FOLDER.parent / "benchmarks.md"
_MARKED = re.compile(r"(<!-- results of (\w+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def table(found: Results) -> Iterator[str]:
    """Yield the lines of the table of a group: CPU or memory, and the ratios of ours."""
    reference, floor = found.servers.get(found.reference), found.servers.get(found.floor)
    names = list(found.servers)
    versions = ", ".join(found.servers.values())
    yield f"Taken on {_days(found)} on {found.machine}. Versions: {versions}."
    yield ""
    others = [name for name in (found.reference, found.floor) if name]
    yield _line(["", "unit", *names, *(f"to {name}" for name in others)])
    yield _line(["---", "---", *(["---:"] * (len(names) + len(others)))])
    for row in found.rows:
        cells = [_number(row.median(name)) for name in names]
        ratios = [_number(found.ratio(row, other)) for other in others]
        yield _line([row.title, row.unit, *cells, *ratios])
    yield ""
    if reference is None:
        return
    beside = f" and {floor}" if floor else ""
    yield f"The last columns: what pop3gw needs for each 1 of {reference}{beside}."
    yield ""


def times(found: Results) -> Iterator[str]:
    """Yield the lines of the table of rates and times."""
    names = list(found.servers)
    yield "How many a second, and p50 / p99 of one in milliseconds:"
    yield ""
    yield _line(["", *names])
    yield _line(["---", *(["---:"] * len(names))])
    for row in found.rows:
        if any("rate" in samples[0] for samples in row.samples.values()):
            yield _line([row.title, *(_time(row, name) for name in names)])
    yield ""


def extras(found: Results) -> Iterator[str]:
    """Yield what was measured of some rows only."""
    what = "session" if found.group == "pop3" else "message"
    for row in found.rows:
        if row.calls:
            calls = (f"{name} {count:.0f}" for name, count in row.calls.items())
            yield f"- System calls of a {what}, {row.title}: {', '.join(calls)}."
        for value, named in (("noop_p99", "p99"), ("noop_longest", "The longest")):
            beats = [(n, row.median(n, value)) for n in row.samples if value in row.samples[n][0]]
            if beats:
                shown = ", ".join(f"{name} {1000 * (beat or 0):.1f}" for name, beat in beats)
                yield f"- {named} in ms of a NOOP elsewhere meanwhile, {row.title}: {shown}."
    yield ""


def _time(row: Row, name: str) -> str:
    rate = row.median(name, "rate") if name in row.samples else None
    if rate is None:
        return ""
    if "p50" not in row.samples[name][0]:
        return _number(rate)
    p50, p99 = (1000 * (row.median(name, value) or 0) for value in ("p50", "p99"))
    return f"{_number(rate)}, {_number(p50)} / {_number(p99)}"


def _days(found: Results) -> str:
    days = sorted({row.taken for row in found.rows})
    return " to ".join(dict.fromkeys((days[0], days[-1])))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.2g}"


def marked(text: str) -> str:
    """Return a page with the newest results between its marks."""

    def replaced(match: re.Match[str]) -> str:
        group = match[2]
        if not (results.FOLDER / f"{group}.json").exists():
            return match[0]
        found = results.load(group)
        lines = list(table(found))
        if found.reference:
            lines += [f"![{found.title}](benchmarks/{group}.svg)", "", *times(found)]
            lines += extras(found)
        return match[1] + "\n".join(lines) + match[3]

    return _MARKED.sub(replaced, text)


def main() -> None:
    """Write the page and the plots."""
    PAGE.write_text(marked(PAGE.read_text()))
    groups = [file.stem for file in results.FOLDER.glob("*.json")]
    try:
        from bench import plots
    except ImportError:
        print("no plots without matplotlib: pip install 'pop3gw[bench]'")
        return
    for found in map(results.load, groups):
        if found.reference:
            plots.draw(found, results.FOLDER)


if __name__ == "__main__":
    main()
