"""The picture of it: what a few bars said while one job ran, and by how much they were off. Hand-written SVG.

It has its own ground, light or dark as the reader's system is, so that it can be read on any page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bench.truth.figures import seen_samples
from bench.truth.measured_job import MeasuredJob

WIDTH, ROW_PX, TOP_PX, BOTTOM_PX = 800, 118, 112, 20
#: The plots, and the bars beside them.
PLOT_X, PLOT_W, PLOT_H = 190, 300, 88
BARS_X, BARS_W, BAR_H = 528, 248, 10
#: Nothing is off by more than this share; it fills the whole width.
WIDEST_ERROR = 0.6
STYLE = """
  svg { --ground: #ffffff; --edge: #d0d7de; --ink: #1f2328; --soft: #59636e; --rail: #eaeef2;
        --truth: #818b98; --a: #cf222e; --b: #bc6c00; --c: #1a7f37;
        font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --edge: #3d444d; --ink: #f0f6fc; --soft: #9198a1; --rail: #212830;
          --truth: #8b949e; --a: #ff7b72; --b: #e3a03c; --c: #3fb950; } }
  text { font-size: 13px; fill: var(--ink); }
  .title { font-size: 18px; font-weight: 600; }
  .who { font-size: 16px; font-weight: 600; }
  .soft { fill: var(--soft); }
  .value { font-weight: 600; }
  .ground { fill: var(--ground); stroke: var(--edge); }
  .frame { fill: none; stroke: var(--edge); }
  .rail { fill: var(--rail); }
  .truth { fill: none; stroke: var(--truth); stroke-width: 1.5; stroke-dasharray: 5 4; }
  .bar { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
  .off { opacity: 0.2; }
  .a { --mine: var(--a); } .b { --mine: var(--b); } .c { --mine: var(--c); }
  .fill { fill: var(--mine); } .line { stroke: var(--mine); }
"""


@dataclass(frozen=True)
class Pictured:
    """One row of the picture.

    Attributes:
        name: whose bar it is.
        note: a few words below.
        job: the one whose bar is drawn.
        bar_error, eta_error: of all its jobs, as shares of the job.
        falls: of all its jobs, how often it goes back at most.
        early_full_s: how long the drawn one is full too early.
    """

    name: str
    note: str
    job: MeasuredJob
    bar_error: float
    eta_error: float
    falls: int
    early_full_s: float


def draw_picture(rows: Sequence[Pictured], title: str, subtitle: str) -> str:
    """Return the picture as SVG, a row for each bar, the last one ours."""
    height = TOP_PX + ROW_PX * len(rows) + BOTTOM_PX
    told = "; ".join(f"{row.name}: bar off by {_percent(row.bar_error)}" for row in rows)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    label = escape(f"{title}. {told}")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        _text(24, 38, title, "title"),
        _text(24, 60, subtitle, "soft"),
        _text(PLOT_X, 96, "The bar over time", "soft"),
        f'<path class="truth" d="M{PLOT_X + PLOT_W - 68} 92 h30"/>',
        _text(PLOT_X + PLOT_W, 96, "truth", "soft", "end"),
        _text(BARS_X, 96, "On average, as a share of the job", "soft"),
    ]
    for number, row in enumerate(rows):
        kind = "c" if number == len(rows) - 1 else "ab"[number % 2]
        lines += _draw_row(row, kind, TOP_PX + number * ROW_PX)
    foot = TOP_PX + ROW_PX * len(rows) + 2
    lines += [
        _text(PLOT_X, foot, "start", "soft"),
        _text(PLOT_X + PLOT_W, foot, "end", "soft", "end"),
        _text(PLOT_X + PLOT_W / 2, foot, "time", "soft", "middle"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _draw_row(row: Pictured, kind: str, top: int) -> list[str]:
    foot = top + PLOT_H
    points = _points_of(row.job)
    path = " ".join(f"{PLOT_X + PLOT_W * x:.1f},{foot - PLOT_H * y:.1f}" for x, y in points)
    corners = f"{PLOT_X},{foot} {PLOT_X + PLOT_W},{top}"
    lines = [
        f'<g class="{kind}">',
        _text(24, top + 40, row.name, "who"),
        _text(24, top + 60, row.note, "soft"),
        _text(PLOT_X - 8, top + 11, "100 %", "soft", "end"),
        _text(PLOT_X - 8, foot, "0 %", "soft", "end"),
        f'<polygon class="off fill" points="{path} {PLOT_X + PLOT_W},{top} {PLOT_X},{foot}"/>',
        f'<rect class="frame" x="{PLOT_X}" y="{top}" width="{PLOT_W}" height="{PLOT_H}"/>',
        f'<polyline class="truth" points="{corners}"/>',
        f'<polyline class="bar line" points="{path}"/>',
    ]
    lines += _draw_error("bar off by", row.bar_error, top + 12)
    lines += _draw_error("time left off by", row.eta_error, top + 52)
    return [*lines, _text(BARS_X, top + 94, _describe_faults(row), "soft"), "</g>"]


def _draw_error(what: str, error: float, top: int) -> list[str]:
    width = max(2.0, BARS_W * min(error / WIDEST_ERROR, 1.0))
    rail = f'x="{BARS_X}" y="{top + 6}" height="{BAR_H}" rx="{BAR_H / 2}"'
    return [
        _text(BARS_X, top, what),
        _text(BARS_X + BARS_W, top, _percent(error), "value", "end"),
        f'<rect class="rail" {rail} width="{BARS_W}"/>',
        f'<rect class="fill" {rail} width="{width:.1f}"/>',
    ]


def _describe_faults(row: Pictured) -> str:
    back = "never goes back" if not row.falls else f"goes back {_times(row.falls)}"
    full = f"full {row.early_full_s:.1f} s too early" if row.early_full_s >= 0.05 else "never full too early"
    return f"{back}, {full}"


def _points_of(job: MeasuredJob) -> list[tuple[float, float]]:
    """Return what was in view, as corners of a stair: an answer stands until the next one."""
    points = [(0.0, 0.0)]
    for sample in seen_samples(job):
        share = min(1.0, (sample.answered_s - job.started_s) / job.total_s)
        points += [(share, points[-1][1]), (share, sample.progress or 0.0)]
    return [*points, (1.0, points[-1][1])]


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'
