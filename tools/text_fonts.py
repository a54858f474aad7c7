"""Make the site's text fonts from Source Serif 4 and Source Sans 3: the characters of its pages.

    .venv/bin/python tools/text_fonts.py source-serif source-sans

The folders are the unpacked npm packages source-serif 4.5.1 and source-sans 3.52.0, which Adobe
publishes. The files hold what the subset *latin* of Google holds, which sites in English commonly
load, and `OTHERS`: letters of names, and signs that stand in a text outside formulas. Run this
again when a page brings a character that the fonts lack; `tests/site/test_fonts.py` tells.

The axis of weights is kept. That of optical sizes is fixed at the size of a text, since the site
sets its headings in the other font.
"""

import argparse
from pathlib import Path

from environment import ROOT
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

FOLDER = ROOT / "book" / "_theme" / "course" / "static" / "fonts"
SOURCES = {
    "source-serif-4": ("VAR/SourceSerif4Variable-Roman.ttf", (1036, -335)),
    "source-serif-4-italic": ("VAR/SourceSerif4Variable-Italic.ttf", (1036, -335)),
    "source-sans-3": ("VF/SourceSans3VF-Upright.ttf", (1024, -400)),
}
"""The variable fonts, and how far a line reaches above and below, as in Google's files."""
RANGES = [
    (0x20, 0x7E),  # ASCII
    (0xA0, 0xFF),  # Latin-1
    (0x2013, 0x2014),  # dashes
    (0x2018, 0x201E),  # quotation marks
]
OTHERS = "ıŒœˆ˚˜\u0300\u0301\u0302\u0303\u0304\u0308\u2009•…′″‹›⁄€™↑↓−∕" + "ęłńεησχ∂∞≤≥≈≠"
FEATURES = ["ccmp", "kern", "mark", "mkmk", "liga", "locl", "frac", "numr", "dnom", "pnum", "tnum"]
TEXT_SIZE = 14  # points, as Google fixes it
USE_TYPO_METRICS = 1 << 7


def reduced(path):
    """Return a font with the characters of pages alone."""
    font = TTFont(path, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = FEATURES
    options.hinting = options.glyph_names = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    subsetter = subset.Subsetter(options)
    inside = [code for first, last in RANGES for code in range(first, last + 1)]
    subsetter.populate(unicodes=inside, text=OTHERS)
    subsetter.subset(font)
    if any(axis.axisTag == "opsz" for axis in font["fvar"].axes):
        instantiateVariableFont(font, {"opsz": TEXT_SIZE}, inplace=True)
    return font


def rename(font):
    """Take the name Source away, which its license keeps for the unchanged fonts."""
    for record in font["name"].names:
        if record.nameID not in (0, 13, 14):  # copyright and license
            record.string = record.toUnicode().replace("Source", "Course")


def level(font, ascent, descent):
    """Say on every system how far a line reaches; the bit tells Windows to look there."""
    line, system = font["hhea"], font["OS/2"]
    line.ascent = system.sTypoAscender = ascent
    line.descent = system.sTypoDescender = descent
    line.lineGap = system.sTypoLineGap = 0
    system.fsSelection |= USE_TYPO_METRICS


def main():
    """Read the fonts, write ours."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("serif", type=Path, help="the folder of source-serif")
    parser.add_argument("sans", type=Path, help="the folder of source-sans")
    folders = parser.parse_args()
    for name, (source, line) in SOURCES.items():
        font = reduced((folders.serif if "serif" in name else folders.sans) / source)
        level(font, *line)
        rename(font)
        font.flavor = "woff2"
        path = FOLDER / f"{name}.woff2"
        font.save(path)
        size, count = path.stat().st_size, len(font.getBestCmap())
        print(f"{path.relative_to(ROOT)}: {size:,} bytes, {count} characters")


if __name__ == "__main__":
    main()
