"""Draws the Grafana dashboard of the documentation: its panels, filled by its own queries, as one picture.

Grafana itself is not needed: the shapes are ours, titles, places, queries and units are those of the JSON.
"""

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from .prometheus import DASHBOARD, Prometheus

WIDTH, UNIT_HEIGHT = 1100, 17
COLUMNS = 24
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#ffa6b0")
STYLE = """
body{margin:0;background:#111217;color:#ccccdc;font:11px sans-serif;width:1100px}
h1{font-size:18px;margin:14px 16px}main{position:relative}
section{position:absolute;box-sizing:border-box;padding:4px}
section>div{background:#181b1f;border:1px solid #2c3235;border-radius:3px;height:100%;box-sizing:border-box;
padding:6px 8px;overflow:hidden}h2{font-size:11px;margin:0 0 2px}svg{display:block}
ul{margin:2px 0 0;padding:0;list-style:none;columns:2}li{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
b{font-size:22px;display:block}p{display:inline-block;margin:2px 14px 0 0}
"""
Series = tuple[str, list[tuple[float, float]]]


def draw_dashboard(prometheus: Prometheus, variables: Mapping[str, str], seconds: int, path: Path) -> None:
    """Write a PNG to `path` with the last `seconds`; `variables` are the regular expressions of `$job` and the like."""
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    panels = [_draw_panel(prometheus, panel, variables, seconds) for panel in dashboard["panels"]]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]) * UNIT_HEIGHT
    page = f"<style>{STYLE}</style><h1>{escape(dashboard['title'])}</h1><main style='height:{height}px'>"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": 800})
        tab.set_content(page + "".join(panels))
        tab.screenshot(path=path, full_page=True)
        browser.close()


def _draw_panel(prometheus: Prometheus, panel: Mapping[str, Any], variables: Mapping[str, str], seconds: int) -> str:
    place, unit = panel["gridPos"], panel["fieldConfig"]["defaults"].get("unit", "")
    series: list[Series] = []
    for target in panel["targets"]:
        query = target["expr"]
        for name, value in variables.items():
            query = query.replace(f"${name}", value)
        series += [
            (_name(target["legendFormat"], labels), values) for labels, values in prometheus.query_range(query, seconds)
        ]
    width, height = WIDTH * place["w"] / COLUMNS, UNIT_HEIGHT * place["h"]
    if panel["type"] == "timeseries":
        content = _draw_lines(series, unit, width - 26, height - 40 - 15 * math.ceil(min(len(series), 6) / 2))
    else:
        values = [f"<p>{escape(name)}<b>{_show(points[-1][1], unit)}</b></p>" for name, points in series[:6]]
        content = "".join(values)
    box = f"left:{WIDTH * place['x'] / COLUMNS}px;top:{UNIT_HEIGHT * place['y']}px;width:{width}px;height:{height}px"
    return f"<section style='{box}'><div><h2>{escape(panel['title'])}</h2>{content or 'no data'}</div></section>"


def _draw_lines(series: Sequence[Series], unit: str, width: float, height: float) -> str:
    points = [point for _, values in series for point in values if math.isfinite(point[1])]
    if not points:
        return ""
    begin, end = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(0.0, *(y for _, y in points)), max(y for _, y in points) or 1.0

    def draw(values: Sequence[tuple[float, float]], colour: str) -> str:
        along = []
        for moment, value in values:
            x = 48 + (moment - begin) / ((end - begin) or 1) * (width - 50)
            y = height - 4 - (value - low) / ((high - low) or 1) * (height - 10)
            along.append(f"{x:.0f},{y:.0f}" if math.isfinite(y) else "")
        return f"<polyline fill='none' stroke='{colour}' stroke-width='1.5' points='{' '.join(along)}'/>"

    coloured = [(name, values, COLOURS[number % len(COLOURS)]) for number, (name, values) in enumerate(series[:6])]
    lines = "".join(draw(values, colour) for _, values, colour in coloured)
    names = "".join(f"<li style='color:{colour}'>{escape(name)}</li>" for name, _, colour in coloured)
    labels = f"<text x='0' y='12'>{_show(high, unit)}</text><text x='0' y='{height - 4:.0f}'>{_show(low, unit)}</text>"
    size = f"width='{width:.0f}' height='{height:.0f}'"
    return f"<svg {size} fill='#9fa7b3' font-size='11'>{labels}{lines}</svg><ul>{names}</ul>"


def _name(legend: str, labels: Mapping[str, str]) -> str:
    for label, value in labels.items():
        legend = legend.replace("{{" + label + "}}", value)
    return legend


def _show(value: float, unit: str) -> str:
    match unit:
        case "s" if 0 < abs(value) < 1:
            return f"{value * 1000:.3g} ms"
        case "s":
            return f"{value:.3g} s"
        case "percentunit":
            return f"{value:.0%}"
        case "reqps" | "ops":
            return f"{value:.2g}/s"
    return f"{value:.3g}"
