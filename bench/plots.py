"""A plot of a group of results, as SVG and PNG."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot

from bench.results import Results

_BAR = 0.8


def draw(found: Results, folder: Path) -> None:
    """Draw what each server needs for each row, where the reference needs 1."""
    rows = [row for row in found.rows if row.median(found.reference)]
    names = [name for name in found.servers if name != found.reference]
    figure, axes = pyplot.subplots(figsize=(9, 0.9 + 0.85 * len(rows)))
    height = _BAR / len(names)
    for number, name in enumerate(names):
        places, values = [], []
        for at, row in enumerate(rows):
            value, reference = row.median(name), row.median(found.reference)
            if value and value > 0 and reference:
                places.append(at + (number + 0.5) * height - _BAR / 2)
                values.append(value / reference)
        axes.barh(places, values, height, label=found.servers[name])
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(rows)), [f"{row.title} ({row.unit})" for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(
        f"CPU of the server, or its memory, where {found.servers[found.reference]} is 1"
    )
    axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    mpl.rcParams["svg.hashsalt"] = found.group
    figure.tight_layout()
    figure.savefig(folder / f"{found.group}.svg", bbox_inches="tight", metadata={"Date": None})
    figure.savefig(
        folder / f"{found.group}.png", bbox_inches="tight", dpi=80, metadata={"Software": None}
    )
    pyplot.close(figure)
