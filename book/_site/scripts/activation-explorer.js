// The explorer of activation functions: choose one, another beside it, and x; read what they do.
// What is chosen stands in the page's address, as in #f=gelu&g=relu&x=-0.75, and comes from there.
//
// A classic script, loaded with `defer`, and not a module: browsers refuse to load modules, and to
// fetch data, for a page that is opened from a folder (file://). The numbers therefore stand in the
// page, where the extension activation_explorer.py puts them; nothing is computed here.
(() => {
  const VALUE = 0;
  const DERIVATIVE = 1;
  const HEIGHT = 320;
  const LEFT = 36; // room for the ticks
  const WIDE = 560; // from this width on there is room for names beside the graph
  const THUMB = 16; // width of a slider's handle
  const STRIP = 9; // height of the strip that shows where a function is saturated
  const LINE = 17; // least distance of two labels
  let count = 0; // of explorers, for ids

  // Elements.

  const fill = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const html = (tag, attributes = {}, ...children) =>
    fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  // Numbers as one reads them, with a minus sign.
  const show = (number) => String(number).replaceAll("-", "\u2212");
  const showX = (x) => show(x.toFixed(2));

  // Room for the labels on the right.
  const beside = (width) => (width < WIDE ? 34 : 150);

  // The curve in pieces. A new one begins at each kink, so that a jump is a gap, not a steep line.
  const pieces = (curve, xs, which) => {
    const kinks = [...curve.kinks];
    const found = [[]];
    xs.forEach((x, i) => {
      let onKink = false;
      while (kinks.length && kinks[0].x <= x) {
        const kink = kinks.shift();
        onKink = kink.x === x;
        found.at(-1).push([kink.x, kink.left[which]]);
        found.push([[kink.x, kink.right[which]]]);
      }
      if (!onKink) found.at(-1).push([x, curve.values[which][i]]);
    });
    return found.filter((piece) => piece.length > 1);
  };

  // The kinks at which a curve has a value that its neighbors do not tell.
  const jumps = (curve, which) =>
    curve.kinks.filter((kink) => kink.left[which] !== kink.right[which]);

  // The range of y that shows the curves, no farther than x goes, with steps for the ticks.
  const extent = (curves, reach) => {
    const all = curves.flatMap((curve) => curve.values.flat());
    const low = Math.max(Math.min(0, ...all), -reach);
    const high = Math.min(Math.max(0, ...all), reach);
    const pad = 0.05 * (high - low);
    const step = [0.1, 0.2, 0.5, 1, 2].find((size) => (high - low) / size <= 7);
    return { low: low - pad, high: high + pad, step };
  };

  const ticks = (low, high, step) => {
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(+(i * step).toFixed(1));
    return found;
  };

  // Move labels apart, so that none hides another and none leaves the graph.
  const spread = (labels, bottom) => {
    labels.sort((a, b) => a.y - b.y);
    labels.forEach((label, i) => {
      if (i) label.y = Math.max(label.y, labels[i - 1].y + LINE);
    });
    labels.reduceRight((below, label) => (label.y = Math.min(label.y, below)) - LINE, bottom);
    return labels;
  };

  // The graph of the chosen curves, [letter, curve] each, as wide as there is room.
  const graph = (id, data, xs, chosen, index, width) => {
    const { reach } = data;
    const { low, high, step } = extent(chosen.map(([, curve]) => curve), reach);
    const left = LEFT;
    const right = width - beside(width);
    const top = 10;
    const bottom = HEIGHT - 26 - STRIP * chosen.length;
    const across = (x) => left + ((x + reach) / (2 * reach)) * (right - left);
    const up = (y) => bottom - ((y - low) / (high - low)) * (bottom - top);
    const inside = (y) => Math.min(Math.max(up(y), top), bottom);
    const path = (name, d) => svg("path", { class: name, d });
    const text = (name, x, y, anchor, content) =>
      svg("text", { class: name, x, y, "text-anchor": anchor }, content);

    const drawing = svg("svg", { width, height: HEIGHT, role: "img" });
    const names = chosen.map(([, curve]) => curve.name).join(" and ");
    const what = chosen.length > 1 ? "their derivatives" : "its derivative";
    drawing.setAttribute("aria-label", `Graph of ${names}, solid, and ${what}, dashed`);
    drawing.append(
      svg(
        "clipPath",
        { id: `${id}-frame` },
        svg("rect", { x: left, y: top - 2, width: right - left, height: bottom - top + 4 }),
      ),
    );

    for (const x of ticks(-reach, reach, width < 480 ? 2 : 1)) {
      drawing.append(path(x ? "grid" : "axis", `M${across(x)} ${top}V${bottom}`));
      drawing.append(text("tick", across(x), HEIGHT - 6, "middle", show(x)));
    }
    for (const y of ticks(low, high, step)) {
      drawing.append(path(y ? "grid" : "axis", `M${left} ${up(y)}H${right}`));
      drawing.append(text("tick", left - 6, up(y) + 4, "end", show(y)));
    }
    drawing.append(text("tick", right + 12, HEIGHT - 6, "start", "x"));
    const strips = (STRIP * chosen.length) / 2;
    const word = width < WIDE ? "sat." : "saturated";
    drawing.append(text("tick", right + 8, bottom + strips + 5, "start", word));

    const lines = svg("g", { "clip-path": `url(#${id}-frame)` });
    const dots = svg("g", { "clip-path": `url(#${id}-frame)` });
    const dot = (name, x, y, r) => svg("circle", { class: name, cx: across(x), cy: up(y), r });
    const labels = [];
    chosen.forEach(([letter, curve], row) => {
      for (const which of [DERIVATIVE, VALUE]) {
        const kind = which === DERIVATIVE ? `${letter} derivative` : letter;
        for (const piece of pieces(curve, xs, which)) {
          const points = piece.map(([x, y]) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`);
          lines.append(svg("polyline", { class: `curve ${kind}`, points: points.join(" ") }));
        }
        for (const { x, at } of jumps(curve, which)) lines.append(dot(kind, x, at[which], 2.5));
        dots.append(dot(`here ${kind}`, xs[index], curve.values[which][index], 5));
        const full = width < WIDE ? letter : `${letter} = ${curve.name}`;
        const name = which === DERIVATIVE ? `${letter}\u2032` : full;
        labels.push({ name, letter, y: inside(curve.values[which].at(-1)) });
      }
      // Half a sample to both sides, so that a single saturated place is seen too.
      const y = bottom + STRIP * (row + 0.5) + 1;
      const half = 0.5 / data.perUnit;
      for (const [first, last] of curve.saturated) {
        const ends = [Math.max(xs[first] - half, -reach), Math.min(xs[last] + half, reach)];
        drawing.append(path(`saturated ${letter}`, `M${across(ends[0])} ${y}H${across(ends[1])}`));
      }
    });
    drawing.append(path("here", `M${across(xs[index])} ${top}V${HEIGHT - 24}`), lines, dots);
    for (const { name, letter, y } of spread(labels, bottom - 6)) {
      drawing.append(text(letter, right + 8, y + 4, "start", name));
    }
    return drawing;
  };

  // What a function does at one x, in words.
  const reading = (letter, curve, x, index) => {
    const [value, derivative] = curve.values.map((values) => show(values[index]));
    const saturated = curve.saturated.some(
      ([first, last]) => first <= index && index <= last,
    );
    const kink = curve.kinks.find((candidate) => candidate.x === x);
    const line = html(
      "p",
      {},
      html("strong", { class: letter }, curve.name),
      `: ${letter}(x)\u00a0=\u00a0${value}, ${letter}\u2032(x)\u00a0=\u00a0${derivative}, `,
      html("strong", {}, saturated ? "saturated" : "not saturated"),
      ".",
    );
    if (kink) {
      const sides = (which) =>
        `${show(kink.left[which])} just below and ${show(kink.right[which])} just above`;
      const jump = jumps(curve, VALUE).includes(kink) ? `its value is ${sides(VALUE)}; ` : "";
      line.append(
        ` At this kink ${jump}its derivative is ${sides(DERIVATIVE)}, `,
        `and ${derivative} by convention.`,
      );
    }
    return line;
  };

  // A formula, which the page brings as MathML, behind the letter of its function.
  const formula = (curve, which, letter, mark) => {
    const box = html("div", { class: "math formula" });
    box.innerHTML = `<math display="block">${mark}<mo stretchy="false">(</mo><mi>x</mi>
      <mo stretchy="false">)</mo><mo>=</mo>${curve.math[which]}</math>`;
    box.firstChild.setAttribute("alttext", `${letter}(x) = ${curve.formulas[which]}`);
    return box;
  };

  // What is known of a function.
  const description = (letter, curve) => {
    const list = html("dl");
    for (const [term, fact] of Object.entries(curve.facts)) {
      list.append(html("div", {}, html("dt", {}, term), html("dd", {}, fact)));
    }
    return html(
      "div",
      { class: "known" },
      html("p", {}, html("strong", { class: letter }, `${letter} = ${curve.name}`)),
      formula(curve, VALUE, letter, `<mi>${letter}</mi>`),
      formula(curve, DERIVATIVE, `${letter}'`, `<msup><mi>${letter}</mi><mo>\u2032</mo></msup>`),
      list,
    );
  };

  // What a link asks for.

  // How many letters one has to add, leave out or exchange to turn one word into another.
  const distance = (one, other) => {
    let row = Array.from({ length: other.length + 1 }, (_, i) => i);
    [...one].forEach((letter, i) => {
      const next = [i + 1];
      [...other].forEach((candidate, j) => {
        next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (letter !== candidate)));
      });
      row = next;
    });
    return row.at(-1);
  };

  const unknownName = (letter, name, names) => {
    const apart = (candidate) => distance(name.toLowerCase(), candidate);
    const least = Math.min(...names.map(apart));
    const near = least > 2 ? [] : names.filter((candidate) => apart(candidate) === least);
    const meant = near.length ? ` Did you mean ${near.join(" or ")}?` : "";
    return `The link asks for ${letter} = \u201c${name}\u201d, which is not here.${meant} Expected: ${names.join(", ")}.`;
  };

  // What the address asks for, and a sentence about each part that cannot be had.
  const asked = (names, reach) => {
    const wanted = {};
    const unknown = [];
    const hash = location.hash.slice(1);
    for (const [key, value] of hash.includes("=") ? new URLSearchParams(hash) : []) {
      if (key === "f" || key === "g") {
        if (names.includes(value) || (key === "g" && !value)) wanted[key] = value;
        else unknown.push(unknownName(key, value, names));
      } else if (key === "x") {
        const number = value.replace("\u2212", "-"); // the sign that the page itself shows
        if (number.trim() && Math.abs(number) <= reach) wanted.x = +number;
        else unknown.push(`The link asks for x = \u201c${value}\u201d. Expected: a number from ${show(-reach)} to ${reach}.`);
      } else {
        unknown.push(`The link sets \u201c${key}\u201d. Expected: f, g and x.`);
      }
    }
    return [wanted, unknown];
  };

  const start = (root) => {
    const id = `activation-explorer-${++count}`;
    const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    const last = 2 * data.reach * data.perUnit;
    const xs = Array.from({ length: last + 1 }, (_, i) => i / data.perUnit - data.reach);
    const byName = new Map(data.curves.map((curve) => [curve.name, curve]));

    const option = (name, text = name) => html("option", { value: name }, text);
    const options = () => [...byName.keys()].map((name) => option(name));
    const f = html("select", { id: `${id}-f` }, ...options());
    const g = html("select", { id: `${id}-g` }, option("", "none"), ...options());
    const x = html("input", {
      id: `${id}-x`,
      type: "range",
      min: -data.reach,
      max: data.reach,
      step: 1 / data.perUnit,
      value: 1,
    });
    const labeled = (text, control) =>
      html("div", {}, html("label", { for: control.id }, text), control);
    const figure = html("div", { class: "graph" });
    const read = html("div", { class: "reading", "aria-live": "polite", "aria-atomic": "true" });
    const known = html("div", { class: "descriptions" });
    const complaint = html("div", { class: "unknown", role: "status" });

    const chosen = () =>
      [["f", byName.get(f.value)], ["g", byName.get(g.value)]].filter(([, curve]) => curve);

    const draw = () => {
      const index = Math.round((+x.value + data.reach) * data.perUnit);
      const here = xs[index];
      x.setAttribute("aria-valuetext", `x = ${showX(here)}`);
      const width = figure.clientWidth;
      if (width) {
        figure.replaceChildren(graph(id, data, xs, chosen(), index, width));
        // The handle stands below the line in the graph.
        x.style.marginLeft = `${LEFT - THUMB / 2}px`;
        x.style.width = `${width - LEFT - beside(width) + THUMB}px`;
      }
      const lines = chosen().map(([letter, curve]) => reading(letter, curve, here, index));
      read.replaceChildren(html("p", {}, `x = ${showX(here)}`), ...lines);
    };

    const choose = () => {
      known.replaceChildren(...chosen().map(([letter, curve]) => description(letter, curve)));
      // course.js looks for what has become wider than the page
      window.dispatchEvent(new Event("resize"));
      draw();
    };

    // To the address and from there.
    const remember = () => {
      const state = new URLSearchParams({ f: f.value, ...(g.value && { g: g.value }), x: x.value });
      complaint.replaceChildren();
      history.replaceState(null, "", `#${state}`);
    };
    const recall = () => {
      const [wanted, unknown] = asked([...byName.keys()], data.reach);
      f.value = wanted.f ?? data.first;
      g.value = wanted.g ?? "";
      x.value = wanted.x ?? 1;
      complaint.replaceChildren(...unknown.map((sentence) => html("p", {}, sentence)));
      choose();
    };

    root.replaceChildren(
      complaint,
      html("div", { class: "choices" }, labeled("Function f", f), labeled("Compare with g", g)),
      figure,
      html("div", { class: "slider" }, labeled("Input x", x)),
      read,
      known,
    );
    fill(root, { role: "group", "aria-label": "Explorer of activation functions" }, []);
    for (const control of [f, g, x]) control.addEventListener("change", remember);
    for (const select of [f, g]) select.addEventListener("change", choose);
    x.addEventListener("input", draw);
    addEventListener("hashchange", recall);
    new ResizeObserver(draw).observe(figure);
    recall();
  };

  document.querySelectorAll(".activation-explorer").forEach(start);
})();
