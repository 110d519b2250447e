"""Charts as pictures, without any state of the process: the same chart gives the same bytes."""

from __future__ import annotations

import io
from functools import cache

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from services.reporting.domain.documents.content import Chart, Shape
from services.reporting.rendering.fonts import font_file

#: Told apart by those who see no red and green as well (Okabe and Ito).
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
_SIZE = (7.2, 3.2)
_BAR = 0.8
#: Names longer than this, or more of them than that, are written at a slant.
_LONG_NAME, _MANY_NAMES = 6, 10


def to_svg(chart: Chart, language: str) -> bytes:
    """Return the chart as SVG, all of it paths."""
    # Paths instead of letters need no font where they are shown; the salt makes ids the same every time.
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "kefu"}):
        return _drawn(chart, language, FigureCanvasSVG, "svg")


def to_png(chart: Chart, language: str) -> bytes:
    """Return the chart as PNG."""
    return _drawn(chart, language, FigureCanvasAgg, "png")


@cache
def _font(size: int) -> FontProperties:
    return FontProperties(fname=font_file(), size=size)


def _drawn(chart: Chart, language: str, canvas: type[FigureCanvasAgg | FigureCanvasSVG], kind: str) -> bytes:
    figure = Figure(figsize=_SIZE, layout="constrained")
    canvas(figure)
    axes = figure.add_subplot()
    places = range(len(chart.categories))
    base = [0.0] * len(chart.categories)
    width = _BAR / (1 if chart.shape is Shape.STACKED else max(1, len(chart.series)))
    for number, series in enumerate(chart.series):
        colour, name = _COLOURS[number % len(_COLOURS)], series.name.in_(language)
        values = [float("nan") if value is None else float(value) for value in series.values]
        if chart.shape is Shape.LINE:
            axes.plot(places, values, color=colour, marker="o", label=name)
        elif chart.shape is Shape.STACKED:
            heights = [0.0 if value is None else float(value) for value in series.values]
            axes.bar(places, heights, width, bottom=base, color=colour, label=name)
            base = [below + height for below, height in zip(base, heights, strict=True)]
        else:
            offset = (number - (len(chart.series) - 1) / 2) * width
            bars = axes.bar([place + offset for place in places], values, width, color=colour, label=name)
            axes.bar_label(bars, fmt="{:,.4g}", fontproperties=_font(7))
    _dress(axes, chart, language)
    written = io.BytesIO()
    figure.savefig(
        written, format=kind, dpi=160, metadata={"Date": None} if kind == "svg" else {"Software": None}
    )
    return written.getvalue()


def _dress(axes: mpl.axes.Axes, chart: Chart, language: str) -> None:
    """Write title, axes and legend."""
    axes.set_title(chart.name.in_(language), fontproperties=_font(11))
    slanted = len(chart.categories) > _MANY_NAMES or any(len(each) > _LONG_NAME for each in chart.categories)
    axes.set_xticks(
        range(len(chart.categories)),
        labels=[each.replace("$", r"\$") for each in chart.categories],
        fontproperties=_font(8),
        rotation=30 if slanted else 0,
        ha="right" if slanted else "center",
    )
    for label in axes.get_yticklabels():
        label.set_fontproperties(_font(8))
    if chart.unit is not None:
        axes.set_ylabel(chart.unit.in_(language), fontproperties=_font(8))
    if len(chart.series) > 1:
        axes.legend(prop=_font(8), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    if not any(value < 0 for series in chart.series for value in series.values if value is not None):
        # What begins anywhere else than at nought makes small changes look large.
        axes.set_ylim(bottom=0)
    if not chart.categories:
        axes.set_yticks([])
