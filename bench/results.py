"""Results as files: every sample, and what they were taken with."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"


@dataclass
class Row:
    """A scenario, and all samples of it."""

    key: str
    title: str
    value: str
    """Which value of a sample the table shows."""
    unit: str
    factor: float = 1.0
    """What that value is multiplied with to be in this unit."""
    samples: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    """By server, in the order in which they were taken."""
    calls: dict[str, float] = field(default_factory=dict)
    """System calls of a session or a message, by server."""
    place: int = 0
    """Where it stands in the table."""
    taken: str = ""
    """The day."""

    def median(self, server: str, value: str | None = None) -> float | None:
        """Return the median of a value of a server, in the unit of the table by default."""
        found = [s[value or self.value] for s in self.samples.get(server, ())]
        if not found:
            return None
        return statistics.median(found) * (self.factor if value is None else 1.0)


@dataclass
class Results:
    """A group of rows."""

    group: str
    title: str
    servers: dict[str, str]
    """Title and version, by name."""
    ours: str
    """Names of the server that is compared, of the peer that it is to beat, of the floor; empty
    where there is none."""
    reference: str
    floor: str
    machine: str
    rows: list[Row]

    def ratio(self, row: Row, other: str) -> float | None:
        """Return what ours costs where the other costs 1; None where one of them is missing."""
        ours, others = row.median(self.ours), row.median(other)
        return ours / others if ours is not None and others else None


def machine() -> str:
    """Say what this machine is."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, "
        f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}"
    )


def save(results: Results, folder: Path = FOLDER) -> Path:
    """Write results; rows and servers that were not measured now stay as they are."""
    now = datetime.now(UTC).strftime("%Y-%m-%d")
    for row in results.rows:
        row.taken = now
    file = folder / f"{results.group}.json"
    rows: dict[str, Row] = {}
    if file.exists():
        before = load(results.group, folder)
        rows = {row.key: row for row in before.rows}
        results.servers = before.servers | results.servers
    rows.update((row.key, row) for row in results.rows)
    results.rows = sorted(rows.values(), key=lambda row: row.place)
    folder.mkdir(exist_ok=True)
    file.write_text(json.dumps(_shortened(asdict(results)), indent=1) + "\n")
    return file


def load(group: str, folder: Path = FOLDER) -> Results:
    """Read results."""
    values: dict[str, Any] = json.loads((folder / f"{group}.json").read_text())
    values["rows"] = [Row(**row) for row in values["rows"]]
    return Results(**values)


def _shortened(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _shortened(one) for key, one in value.items()}
    return [_shortened(one) for one in value] if isinstance(value, list) else value
