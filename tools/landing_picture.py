"""Draw the picture on the first page, in the README and in previews of links.

Two networks learn two spirals, sixteen times each: one without an activation function, one with
tanh. They are those of the section on spirals in the chapter *Necessity*. The drawing is an SVG
for pages, ``docs/promise.svg``, light or dark as the page or the system is, and an image of
1200 x 630 pixels for previews, ``book/_static/preview.png``. Run it with
``.venv/bin/python tools/landing_picture.py``; ``tests/test_landing.py`` compares what is stored
with what the networks do.
"""

import os
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import quoteattr

os.environ.setdefault("OMP_NUM_THREADS", "1")  # must be set before NumPy is imported

import numpy as np
from contourpy import FillType, contour_generator
from environment import ROOT
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from course_lib import data
from course_lib.network import mlp
from course_lib.training import Adam, accuracy, fit

DRAWING = ROOT / "docs" / "promise.svg"
PREVIEW = ROOT / "book" / "_static" / "preview.png"
SIZES = [2, 16, 16, 2, 2]
SEEDS = range(16)
REACH = 1.12  # the panels show -REACH to REACH
CELLS = 90  # of the grid on which a border is found
SIDE = 320  # of a panel, in the units of the drawing
HEAD = 62  # the height of the words above it
GAP = 24
PANELS = {
    "identity": ("Without an activation function", "a straight border"),
    "tanh": ("With a bend in every unit: tanh", "a border that winds between the spirals"),
}
LIGHT = {"page": "#fdfcfa", "text": "#20262e", "muted": "#57606c", "one": "#0a69a8"}
LIGHT |= {"other": "#ff271d"}
DARK = {"page": "#14181d", "text": "#e4e2dc", "muted": "#a9b1bb", "one": "#4aa5e0"}
DARK |= {"other": "#ff6a5f"}
TOKENS = {"page": "page", "text": "text", "muted": "muted", "one": "series-1", "other": "series-2"}
"""The theme's name of a color. The drawing calls it ``--ink-`` and its own name."""
RULES = """\
.promise text {
  fill: var(--ink-muted);
  font: 13.5px var(--sans, system-ui, sans-serif);
}
.promise .title {
  fill: var(--ink-text);
  font-size: 16px;
  font-weight: 650;
}
.promise .zero {
  --ink: var(--ink-one);
}
.promise .one {
  --ink: var(--ink-other);
}
.promise .region {
  fill: color-mix(in srgb, var(--ink) 20%, var(--ink-page));
}
.promise .border {
  fill: none;
  stroke: var(--ink-text);
  stroke-width: 1.5;
}
.promise .points {
  stroke: var(--ink);
  stroke-linecap: round;
  stroke-width: 6.5;
}
.promise .points.one {
  stroke-linecap: square;
  stroke-width: 5.5;
}"""


@dataclass(frozen=True)
class Outcome:
    """What the trainings of one network gave: accuracies over seeds, and one network's regions."""

    accuracies: np.ndarray
    logits: np.ndarray  # of class 1 less class 0, on the grid

    @property
    def told(self):
        """Return the accuracies in words: their mean, and how they vary."""
        scores = self.accuracies
        low, mean, high = (f"{100 * x:.0f} %" for x in (scores.min(), scores.mean(), scores.max()))
        spread = f"with each of {len(SEEDS)} seeds"
        if low != high:
            spread = f"{low.removesuffix(' %')} to {high} over {len(SEEDS)} seeds"
        return f"{mean} of new points right", spread


def grid():
    """Return the places along an axis at which regions are found."""
    return np.linspace(-REACH, REACH, CELLS + 1)


def examples():
    """Return the points from which networks learn, and their classes."""
    return data.spirals(80, turns=1.5, seed=0)


def outcome(activation):
    """Train a network once for each seed; show the one in the middle."""
    x, y = examples()
    x_test, y_test = data.spirals(300, turns=1.5, seed=1)
    network = mlp(SIZES, activation, seed=SEEDS)
    fit(network, x, y, optimizer=Adam(0.01), epochs=600, batch_size=None, progress=False)
    scores = accuracy(network(x_test), y_test)
    middle = np.argsort(scores, kind="stable")[len(scores) // 2]
    across, up = np.meshgrid(grid(), grid())
    places = np.stack([across.ravel(), up.ravel()], axis=1)
    outputs = network(places)[middle]
    return Outcome(scores, (outputs[:, 1] - outputs[:, 0]).reshape(across.shape))


def outcomes():
    """Return what every network of the picture gave."""
    return {activation: outcome(activation) for activation in PANELS}


def scaled(points):
    """Return points of the plane in the units of a panel."""
    return (np.asarray(points) * [1, -1] + REACH) * SIDE / (2 * REACH)


def polygons(logits):
    """Return the outlines of the region of class 1, in the units of a panel."""
    found = contour_generator(grid(), grid(), logits, fill_type=FillType.OuterOffset)
    areas = zip(*found.filled(0, np.inf), strict=True)
    return [
        scaled(points[start:end]) for points, offsets in areas for start, end in pairwise(offsets)
    ]


def borders(logits):
    """Return where the two regions meet, in the units of a panel."""
    return [scaled(line) for line in contour_generator(grid(), grid(), logits).lines(0)]


def steps(points):
    """Return points as a path's coordinates."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def region(logits):
    """Return the region of class 1 as the data of a path."""
    return "".join(f"M{steps(points[:-1])}Z" for points in polygons(logits))


def border(logits):
    """Return where the two regions meet as the data of a path."""
    return "".join(f"M{steps(line)}" for line in borders(logits))


def dots(points):
    """Return points as the data of a path, whose ends are drawn and nothing between them."""
    return "".join(f"M{x:.1f},{y:.1f}h0" for x, y in scaled(points))


def panel(activation, result, left):
    """Return one network's panel, which can also stand alone."""
    title, seen = PANELS[activation]
    x, y = examples()
    label = f"{title}: {seen}. {', '.join(result.told)}."
    mean = f"{result.accuracies.mean():.4f}"
    first, spread = result.told
    return f"""\
<svg class="panel" x="{left}" y="{GAP}" width="{SIDE}" height="{SIDE + HEAD}" \
viewBox="0 0 {SIDE} {SIDE + HEAD}" role="img" aria-label={quoteattr(label)} \
data-activation="{activation}" data-accuracy="{mean}">
<text class="title" x="0" y="16">{title}</text>
<text class="told" x="0" y="36">{first}</text>
<text class="told" x="0" y="52">{spread}</text>
<svg x="0" y="{HEAD}" width="{SIDE}" height="{SIDE}" viewBox="0 0 {SIDE} {SIDE}">
<rect class="region zero" width="{SIDE}" height="{SIDE}"/>
<path class="region one" d="{region(result.logits)}"/>
<path class="border" d="{border(result.logits)}"/>
<path class="points zero" d="{dots(x[y == 0])}"/>
<path class="points one" d="{dots(x[y == 1])}"/>
</svg>
</svg>
"""


def colors(theme):
    """Return a theme's colors: the page's tokens, and its own where there are none."""
    inks = (f"--ink-{name}: var(--{token}, {theme[name]});" for name, token in TOKENS.items())
    return " ".join([".promise {", *inks, "}"])


def drawing(results):
    """Return the picture as SVG."""
    width, height = 2 * SIDE + 3 * GAP, SIDE + HEAD + 2 * GAP
    panels = [
        panel(name, result, GAP + place * (SIDE + GAP))
        for place, (name, result) in enumerate(results.items())
    ]
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" class="promise" viewBox="0 0 {width} {height}" \
width="{width}" height="{height}">
<!-- Made by tools/landing_picture.py; do not edit it by hand. -->
<style>
{colors(LIGHT)}
@media (prefers-color-scheme: dark) {{
{colors(DARK)}
}}
{RULES}
</style>
<rect width="{width}" height="{height}" style="fill: var(--ink-page)"/>
{"".join(panels)}</svg>
"""


def tint(color, part=0.2):
    """Return a color on the page, so thin that only a part of it is left."""
    ink, page = (
        np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        for text in (color, LIGHT["page"])
    )
    return tuple(part * ink + (1 - part) * page)


def preview(results):
    """Return the figure that previews of links show."""
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor=LIGHT["page"])
    told = {"color": LIGHT["text"], "family": "DejaVu Sans", "va": "top"}
    figure.text(0.04, 0.87, "Why\nNetworks\nBend", size=36, weight="bold", **told)
    figure.text(
        0.04,
        0.4,
        "A course on\nactivation functions\nin which every claim\nis executed",
        size=17,
        **told,
    )
    for left, (name, result) in zip((0.33, 0.67), results.items(), strict=True):
        figure.text(left, 0.87, PANELS[name][0], size=13, weight="bold", **told)
        figure.text(left, 0.82, result.told[0], size=13, **told)
        show(figure.add_axes((left, 0.17, 0.305, 0.305 * 12 / 6.3)), result)
    return figure


def show(axes, result):
    """Draw the regions of a network and the points it learned from."""
    axes.set(xlim=(0, SIDE), ylim=(SIDE, 0), xticks=[], yticks=[], facecolor=tint(LIGHT["one"]))
    outline = [
        Path(np.vstack([points, points[:1]]), closed=True) for points in polygons(result.logits)
    ]
    axes.add_patch(
        PathPatch(
            Path.make_compound_path(*outline),
            facecolor=tint(LIGHT["other"]),
            linewidth=0,
        )
    )
    for line in borders(result.logits):
        axes.plot(*line.T, color=LIGHT["text"], linewidth=1.2)
    x, y = examples()
    for label, color, marker in ((0, LIGHT["one"], "o"), (1, LIGHT["other"], "s")):
        axes.plot(*scaled(x[y == label]).T, marker, color=color, markersize=5)
    axes.spines[:].set_visible(False)


def main():
    """Write the drawing and the preview."""
    results = outcomes()
    DRAWING.write_text(drawing(results), encoding="utf-8")
    preview(results).savefig(PREVIEW, metadata={"Software": None})
    print(
        *(
            f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes"
            for path in (DRAWING, PREVIEW)
        ),
        sep="\n",
    )


if __name__ == "__main__":
    main()
