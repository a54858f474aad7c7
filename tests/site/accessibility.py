"""What axe finds on a page, when it looks once at texts that look alike.

Four fifths of the time of axe went to the contrast of every word, one by one. It looks at
one of those that have the same style as another, up to the root of the page, and lie as plainly on
their ground. When it finds something, it looks again, at every one.
"""

from axe_playwright_python.sync_playwright import Axe

ALIKE = """() => {
  const LOOK = ["color", "font-size", "font-weight", "font-family", "opacity", "background-color",
    "background-image", "text-shadow", "filter", "mix-blend-mode", "-webkit-text-stroke-width",
    "-webkit-text-fill-color", "background-clip", "clip-path", "mask-image", "position",
    "transform", "float", "display", "visibility", "overflow-x", "content-visibility"];
  const CLEAR = "rgba(0, 0, 0, 0)";
  const numbers = new Map(), known = new Map(), seen = new Set(), apart = [];
  const number = (text) => numbers.get(text) ?? numbers.set(text, numbers.size).get(text);
  const painted = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const free = (style) => ["absolute", "fixed", "sticky"].includes(style.position)
    || (style.position === "relative"
        && ["top", "right", "bottom", "left"].some((side) => parseFloat(style[side])));
  const drawn = (e, part) => getComputedStyle(e, part).content !== "none"
    && free(getComputedStyle(e, part));  // a part of the box, unless it leaves it
  const grows = (style) => ["top", "right", "bottom", "left"].some(
    (side) => parseFloat(style.getPropertyValue(`margin-${side}`)) < 0);
  function look(e) {  // the style of an element and of all around it, the ground that it lies on
    if (known.has(e)) return known.get(e);
    const style = getComputedStyle(e), around = e.parentElement && look(e.parentElement);
    const own = LOOK.map((name) => style.getPropertyValue(name)).join("|");
    const colored = style.backgroundColor !== CLEAR || style.backgroundImage !== "none";
    const odd = free(style) || style.float !== "none" || grows(style)
      || style.transform !== "none" || drawn(e, "::before") || drawn(e, "::after");
    const found = { style: number(`${around?.style}>${own}`),
      ground: colored || !around ? e.getBoundingClientRect() : around.ground };
    if (odd && painted(e)) apart.push([e, e.getBoundingClientRect()]);
    known.set(e, found);
    return found;
  }
  const every = [...document.querySelectorAll("body, body *:not(head, script, style)")];
  every.forEach(look);
  const meets = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const within = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1
    && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
  for (const e of every) {
    e.removeAttribute("data-alike");
    const text = [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || e.matches("input, select, textarea, button, label, option, svg *")) continue;
    if (!painted(e)) continue;
    const { style, ground } = look(e), box = e.getBoundingClientRect();
    if (!within(box, ground)) continue;
    if (apart.some(([other, place]) => !other.contains(e) && meets(box, place))) continue;
    if (seen.has(style)) e.setAttribute("data-alike", "");
    seen.add(style);
  }
}"""
"""Marks what looks like a text before it.

A text that something out of the flow may cover, or that does not lie within the box that gives it
its ground, is never marked.
"""
ONCE = """axe.configure({
  rules: [{ id: "color-contrast", selector: "*:not([data-alike])" }] })"""
EVERY = 'axe.configure({ rules: [{ id: "color-contrast", selector: "*" }] })'


def found(page, setting):
    """Return what axe finds, and where; it takes a head that is a formula for an empty one."""
    axe = Axe()
    page.evaluate(axe.axe_script)
    page.evaluate(setting)
    axe.axe_script = "0"  # it is there, and to load it again would undo the setting
    return [
        (found["id"], node["target"])
        for found in axe.run(page).response["violations"]
        for node in found["nodes"]
        if not (found["id"] == "empty-table-header" and "<math" in node["html"])
    ]


def violations(page):
    """Return what axe finds on a page, and where."""
    page.evaluate(ALIKE)
    return found(page, ONCE) and found(page, EVERY)
