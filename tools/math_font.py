"""Make the site's math font from STIX Two Math: the characters of formulas, and five changes.

    .venv/bin/python tools/math_font.py stix-two-math-latin-400-normal.woff2

The file is that of the npm package @fontsource/stix-two-math, version 5.3.0. It keeps the table
MATH, from which a browser takes what it stretches and where it puts scripts, but lacks the feature
``ssty`` of the original. Run this again when a formula brings a character that the font lacks; the
tests tell. What is changed:

- Primes are as large and as low in a superscript as they are in a text, as with ``ssty``.
- Parentheses, braces and roots are as wide as the small ones, however tall. A browser reserves room
  for the widest form of what may stretch, which leaves gaps behind every root.
- A root over a digit or a low letter is less tall than the smallest one of the original, which
  hangs far below the line.
- A subscript below a letter with a descender, and a superscript beside a parenthesis, stand where
  they stand elsewhere: the constants are those of Computer Modern.
- No instructions for coarse screens, no kerning.
"""

import argparse
from copy import deepcopy
from pathlib import Path

from environment import ROOT
from fontTools import subset
from fontTools.misc.transform import Identity
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._g_l_y_f import GlyphCoordinates

FONT = ROOT / "book" / "_theme" / "course" / "static" / "fonts" / "stix-two-math.woff2"
RANGES = [
    (0x20, 0x7E),  # ASCII
    (0xA0, 0xFF),  # Latin-1
    (0x2C6, 0x2DD),  # accents
    (0x391, 0x3C9),  # Greek
    (0x1D400, 0x1D49B),  # bold, italic and bold italic
    (0x1D49C, 0x1D4CF),  # script
    (0x1D538, 0x1D56B),  # double-struck
    (0x1D5A0, 0x1D5D3),  # sans-serif
    (0x1D6A4, 0x1D71B),  # italic Greek
    (0x1D7D8, 0x1D7E1),  # double-struck digits
    (0x2061, 0x2064),  # invisible operators
]
OTHERS = (
    "ϑϕϖϰϱϵ…–—‖′″‴†ℂℍℕℙℚℝℤℬℰℱℋℐℒℳℛℯℊℴℎℓℑℜℵ←↑→↓↔↦⇐⇒⇔⟵⟶⟹⟺⟼∀∂∃∅∇∈∉∋∏∑−∓∗∘√∝∞∠∣∥∧∨∩∪∫∬∮∴"
    "∼≃≅≈≔≠≡≤≥≪≫≺≻⊂⊃⊆⊇⊕⊖⊗⊘⊙⊢⊤⊥⋀⋁⋂⋃⋄⋅⋆⋮⋯⋰⋱⌈⌉⌊⌋⏞⏟⟨⟩□▵⋉"
)
PRIMES = "′″‴"
STRETCHED = "()[]{}⌈⌉⌊⌋⟨⟩√"
SCRIPT = 0.7  # size of a superscript
TALL_ROOT = "radical.tall"
LOW = 0.75  # height of the lowest root below its bar, as a fraction of the original one


def reduced(path):
    """Return the font with the characters of formulas alone."""
    options = subset.Options()
    options.layout_features = ["ccmp"]
    options.hinting = options.glyph_names = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    font = subset.load_font(path, options)
    subsetter = subset.Subsetter(options)
    inside = [code for first, last in RANGES for code in range(first, last + 1)]
    subsetter.populate(unicodes=inside, text=OTHERS)
    subsetter.subset(font)
    return font


def transform(font, name, change, advance):
    """Move the outline of a glyph, and give it another advance width."""
    glyphs, drawing = font.getGlyphSet(), DecomposingRecordingPen(font.getGlyphSet())
    glyphs[name].draw(drawing)
    pen = TTGlyphPen(None)
    drawing.replay(TransformPen(pen, change))
    outline = pen.glyph()
    outline.recalcBounds(font["glyf"])
    font["glyf"][name] = outline
    font["hmtx"][name] = round(advance), outline.xMin


def lower_primes(font):
    """Undo what a superscript does to a prime."""
    shift = font["MATH"].table.MathConstants.SuperscriptShiftUp.Value
    change = Identity.scale(1 / SCRIPT).translate(0, -shift)
    for prime in PRIMES:
        name = font.getBestCmap()[ord(prime)]
        transform(font, name, change, font["hmtx"][name][0] / SCRIPT)


def forms(font, name):
    """Return the tall forms of a glyph, and the parts of the tallest."""
    variants = font["MATH"].table.MathVariants
    place = variants.VertGlyphCoverage.glyphs.index(name)
    construction = variants.VertGlyphConstruction[place]
    found = [record.VariantGlyph for record in construction.MathGlyphVariantRecord]
    assembly = construction.GlyphAssembly
    parts = [part.glyph for part in assembly.PartRecords] if assembly else []
    return [glyph for glyph in dict.fromkeys([*found, *parts]) if glyph != name]


def narrow(font):
    """Make all forms of what stretches as wide as the small one."""
    for character in STRETCHED:
        name = font.getBestCmap()[ord(character)]
        width = font["hmtx"][name][0]
        for form in forms(font, name):
            transform(font, form, Identity.scale(width / font["hmtx"][form][0], 1), width)


def lower_root(font):
    """Put a lower root before the smallest one; its bar stays as thick."""
    name = font.getBestCmap()[ord("√")]
    glyphs, metrics, variants = font["glyf"], font["hmtx"], font["MATH"].table.MathVariants
    glyphs[TALL_ROOT], metrics[TALL_ROOT] = deepcopy(glyphs[name]), metrics[name]
    outline = glyphs[name]
    top, below = sorted({y for _, y in outline.coordinates})[:-3:-1]
    moved = [
        (x, y if y >= below else round(below - LOW * (below - y))) for x, y in outline.coordinates
    ]
    outline.coordinates = GlyphCoordinates(moved)
    outline.recalcBounds(glyphs)
    place = variants.VertGlyphCoverage.glyphs.index(name)
    records = variants.VertGlyphConstruction[place].MathGlyphVariantRecord
    records.insert(1, deepcopy(records[0]))
    records[1].VariantGlyph = TALL_ROOT
    records[0].AdvanceMeasurement = top - outline.yMin


def level_scripts(font):
    """Put scripts beside letters at one height."""
    constants = font["MATH"].table.MathConstants
    constants.SubscriptBaselineDropMin.Value = 0
    constants.SuperscriptBaselineDropMax.Value = 386


def main():
    """Read a font, write ours."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="STIX Two Math as woff2")
    font = reduced(parser.parse_args().source)
    lower_primes(font)
    narrow(font)
    lower_root(font)
    level_scripts(font)
    font.flavor = "woff2"
    font.save(FONT)
    size, count = FONT.stat().st_size, len(font.getBestCmap())
    print(f"{FONT.relative_to(ROOT)}: {size:,} bytes, {count} characters")


if __name__ == "__main__":
    main()
