// The table of the atlas: filter its lines, show other dtypes and slopes, and open a line: what was
// answered where it is most off, and a program that asks again. The choice stands in the address,
// so that it can be sent. Values in float32 stand in the page; all else lies in a script beside it,
// which is asked for once, when it is needed.
(() => {
  const place = document.querySelector(".atlas-place");
  const groups = [...document.querySelectorAll(".atlas-function")];
  if (!place || !groups.length) return;

  const WORDS = { "=": "same", "≈": "rounding", "≠": "different", "×": "refused" };
  const MANY = 200; // lines up to which groups open by themselves
  const COLUMNS = 3;
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // The lines of the page, in the order of the data.
  const rows = [];
  for (const group of groups) {
    for (const row of group.querySelectorAll("tbody > tr")) {
      const [name, home] = row.id.split(".");
      const [label, line, told] = row.children;
      rows.push({ row, group, name, home, label: label.textContent, line: line.textContent, told, detail: null });
    }
  }
  const byId = new Map(rows.map((each, index) => [each.row.id, index]));
  const labels = new Map(rows.map(({ home, label }) => [home, label]));

  // What lies beside the page.
  let coming = null;
  const data = () => {
    coming ??= new Promise((resolve, reject) => {
      const script = make("script", { src: place.querySelector(".atlas-data").href });
      script.addEventListener("load", () => resolve(window.COURSE_ATLAS));
      script.addEventListener("error", () => {
        coming = null;
        reject(new Error("The data of the atlas did not load."));
      });
      document.head.append(script);
    });
    return coming;
  };

  // The choices.
  const form = make("form", { className: "ledger-filter atlas-filter" });
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Filter the atlas");
  const option = ([value, text]) => make("option", { value, textContent: text ?? value });
  const add = (name, label, field) => {
    field.name = name;
    form.append(make("label", {}, label, field));
    return field;
  };
  const select = (name, label, choices) => add(name, label, make("select", {}, ...choices.map(option)));
  const all = ["", "all"];
  const fields = {
    function: select("function", "Function", [all, ...groups.map(({ id }) => [id])]),
    home: select("home", "Home", [all, ...labels]),
    verdict: select("verdict", "Verdict", [
      all,
      ["different", "≠ different function"],
      ["rounding", "≈ same but for rounding"],
      ["same", "= same"],
      ["refused", "× refused"],
    ]),
    dtype: select("dtype", "Dtype", ["float16", "bfloat16", "float32", "float64"].map((name) => [name])),
    asked: select("asked", "Asked", [["values"], ["slopes"]]),
  };
  const words = add("words", "Words", make("input", { type: "search" }));
  const told = make("output");
  form.append(make("button", { type: "reset", textContent: "Show all" }), told);
  place.append(form);
  fields.dtype.value = "float32";
  const defaults = { dtype: "float32", asked: "values" };
  for (const name of Object.keys(defaults)) {
    for (const choice of fields[name].options) choice.defaultSelected = choice.value === defaults[name];
  }

  const asked = new URLSearchParams(location.search);
  const notes = [];
  for (const [name, field] of Object.entries(fields)) {
    const value = asked.get(name) ?? defaults[name] ?? "";
    field.value = value;
    if (field.value !== value) {
      field.value = defaults[name] ?? "";
      const known = [...field.options].map((choice) => choice.value).filter(Boolean);
      notes.push(`The address asks for the ${name} "${value}"; there are ${known.join(", ")}.`);
    }
  }
  words.value = asked.get("words") ?? "";

  // Cells: a sign, facts and an error, of values in float32 as they stand in the page.
  const mode = () => `${fields.dtype.value}-${fields.asked.value}`;
  const FIRST = "float32-values";
  const first = rows.map(({ told: cell }) => ({ sign: cell.textContent[0], html: cell.innerHTML }));
  let shown = FIRST;
  let signs = first.map(({ sign }) => sign);
  const cellOf = (from, index, of) => {
    const cell = from.modes[of][index];
    if (!cell) return null;
    const [sign, facts, error, x, gave, real] = cell;
    const [why, at, answer, value] = [error, x, gave, real].map((number) => from.texts[number]);
    return { sign, facts: facts.map((number) => from.texts[number]), error: why, x: at, gave: answer, real: value };
  };
  const fill = (cell, { sign, facts, error }) => {
    cell.className = WORDS[sign];
    cell.replaceChildren(make("b", { textContent: `${sign} ${WORDS[sign]}` }), ` ${facts.join("; ")}`);
    if (error) cell.append(" ", make("code", { textContent: error }));
  };
  const showMode = (from) => {
    shown = mode();
    rows.forEach((each, index) => {
      closeDetail(each);
      const cell = shown === FIRST ? { sign: first[index].sign } : cellOf(from, index, shown);
      signs[index] = cell?.sign ?? "";
      if (shown === FIRST) {
        each.told.className = WORDS[cell.sign];
        each.told.innerHTML = first[index].html;
      } else if (cell) fill(each.told, cell);
    });
    showOverview();
  };

  // The table of functions and homes.
  const cells = new Map();
  for (const link of document.querySelectorAll(".atlas-overview td a")) {
    cells.set(link.hash.slice(1, link.hash.lastIndexOf(".")), link);
  }
  const caption = document.querySelector(".atlas-overview caption");
  const showOverview = () => {
    const found = new Map();
    rows.forEach(({ name, home }, index) => {
      const key = `${name}.${home}`;
      if (signs[index]) found.set(key, [...(found.get(key) ?? []), signs[index]]);
    });
    for (const [key, link] of cells) {
      const here = found.get(key) ?? [];
      const kinds = new Set(here.map((sign) => sign.replace("≈", "=")));
      link.textContent = here.length ? here[0] + (kinds.size > 1 ? "*" : "") : "";
      link.parentElement.className = here.length ? WORDS[here[0]] : "none";
      link.hidden = !here.length;
    }
    const [dtype, question] = shown.split("-");
    const what = question[0].toUpperCase() + question.slice(1);
    if (caption) caption.textContent = `${what} in ${dtype}: what the first line of each home is`;
  };

  // A thousand cells are one stop of the keyboard; arrows go on from there.
  const links = [...document.querySelectorAll(".atlas-overview tbody tr")].map((line) =>
    [...line.children].map((cell) => cell.querySelector("a")),
  );
  for (const link of links.flat()) if (link) link.tabIndex = -1;
  const firstLink = links[0]?.[0];
  if (firstLink) firstLink.tabIndex = 0;
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  document.querySelector(".atlas-overview tbody")?.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const link = event.target.closest("a");
    if (!step || !link || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    let y = links.findIndex((line) => line.includes(link));
    let x = links[y].indexOf(link);
    do {
      y += step[0];
      x += step[1];
    } while (links[y] && x in links[y] && (!links[y][x] || links[y][x].hidden));
    const next = links[y]?.[x];
    if (!next) return;
    link.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  // The filter.
  const fits = (each, index) => {
    if (!signs[index]) return false;
    if (fields.function.value && each.name !== fields.function.value) return false;
    if (fields.home.value && each.home !== fields.home.value) return false;
    if (fields.verdict.value && WORDS[signs[index]] !== fields.verdict.value) return false;
    const text = `${each.name} ${each.home} ${each.label} ${each.line} ${each.told.textContent}`.toLowerCase();
    return words.value.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  };
  const count = (found) => {
    const parts = Object.entries(WORDS)
      .map(([sign, word]) => [found.filter((index) => signs[index] === sign).length, word])
      .filter(([number]) => number)
      .map(([number, word]) => `${number} ${word}`);
    return `${found.length} line${found.length === 1 ? "" : "s"}: ${parts.join(", ")}`;
  };
  const update = () => {
    const fitting = new Map(groups.map((group) => [group, []]));
    rows.forEach((each, index) => {
      const fit = fits(each, index);
      each.row.hidden = !fit;
      if (each.detail) each.detail.hidden = !fit;
      if (fit) fitting.get(each.group).push(index);
    });
    const total = [...fitting.values()].reduce((sum, found) => sum + found.length, 0);
    const chosen = fields.function.value || fields.home.value || fields.verdict.value || words.value.trim();
    for (const [group, found] of fitting) {
      group.hidden = !found.length;
      group.open = Boolean(chosen) && total <= MANY && found.length > 0;
      group.querySelector("summary span").textContent = count(found);
    }
    const every = signs.filter(Boolean).length;
    const said = total ? `${total} of ${every} lines` : "No line fits; loosen one of the choices.";
    told.textContent = [...notes.splice(0), said].join(" ");
  };
  const address = (hash = "") => {
    const given = [...new FormData(form)].filter(([name, value]) => value && value !== defaults[name]);
    const query = new URLSearchParams(given).toString();
    return `${query ? `?${query}` : location.pathname}${hash}`;
  };
  const remember = (hash) => {
    try {
      history.replaceState(null, "", address(hash));
    } catch {
      // A folder's pages may not change their address.
    }
  };
  const refresh = async () => {
    if (mode() !== shown) {
      try {
        const from = mode() === FIRST ? null : await data();
        if (mode() !== shown) showMode(from);
      } catch (problem) {
        [fields.dtype.value, fields.asked.value] = shown.split("-");
        notes.push(problem.message);
      }
    }
    update();
  };

  // A line that is opened.
  const program = (home, { programs, doubles }, { line, x }) => {
    const [dtype, question] = shown.split("-");
    const places = {
      "{doubles}": dtype === "float64" ? doubles : "",
      "{any}": x.startsWith("[[") ? "(None, None)" : "(None,)",
      "{wide}": dtype === "bfloat16" ? "float32" : dtype,
      "{dtype}": dtype,
      "{x}": x,
      "{quoted}": `'${line}'`,
      "{line}": line,
    };
    let text = programs[question];
    for (const [name, value] of Object.entries(places)) text = text.replaceAll(name, () => value);
    return text;
  };
  const entry = (name, ...value) => [make("dt", { textContent: name }), make("dd", {}, ...value)];
  const code = (text) => make("code", { textContent: text });
  const describe = (each, cell, from) => {
    const home = from.homes[each.home];
    const list = make("dl", { className: "atlas-facts" });
    list.append(...entry("Home", `${each.label}: `, code(each.home), `, ${home.versions}`));
    if (cell.error) list.append(...entry("Answer", code(cell.error)));
    else list.append(...entry("At", code(cell.x)), ...entry("Answer", code(cell.gave)), ...entry("True value", code(cell.real)));
    if (cell.facts.length) {
      list.append(...entry("Found", make("ul", {}, ...cell.facts.map((fact) => make("li", { textContent: fact })))));
    }
    const probe = make("a", { href: home.places[each.name], textContent: "where the probe has it" });
    const link = make("a", { href: address(`#${each.row.id}`), textContent: "link to this line" });
    list.append(...entry("More", probe, ", ", link));
    const text = program(each.home, home, { line: each.line, x: cell.x });
    const block = make("div", { className: "highlight" }, make("pre", {}, text));
    return make("div", {}, list, make("p", { textContent: "To ask again:" }), block);
  };
  const closeDetail = (each) => {
    each.detail?.remove();
    each.detail = null;
    each.row.querySelector("button")?.setAttribute("aria-expanded", "false");
  };
  const openDetail = async (index) => {
    const each = rows[index];
    const before = shown;
    let from;
    try {
      from = await data();
    } catch (problem) {
      told.textContent = problem.message;
      return;
    }
    const cell = cellOf(from, index, shown);
    if (each.detail || before !== shown || !cell) return;
    const content = make("td", { colSpan: COLUMNS }, describe(each, cell, from));
    each.detail = make("tr", { className: "atlas-detail" }, content);
    each.row.after(each.detail);
    each.row.querySelector("button")?.setAttribute("aria-expanded", "true");
    document.dispatchEvent(new CustomEvent("course-code", { detail: content.querySelector("pre") }));
  };
  // Buttons come when a group opens: a page has many lines.
  const prepare = (group) => {
    for (const each of rows) {
      if (each.group !== group || each.row.querySelector("button")) continue;
      const button = make("button", { type: "button", className: "atlas-more", textContent: "Ask" });
      button.setAttribute("aria-expanded", "false");
      button.setAttribute("aria-label", `Ask ${each.label}: ${each.line}`);
      each.row.children[1].append(" ", button);
    }
  };
  for (const group of groups) {
    group.addEventListener("toggle", () => group.open && prepare(group));
    group.addEventListener("click", (event) => {
      const button = event.target.closest(".atlas-more");
      if (!button) return;
      const index = byId.get(button.closest("tr").id);
      if (rows[index].detail) closeDetail(rows[index]);
      else {
        remember(`#${rows[index].row.id}`);
        openDetail(index);
      }
    });
  }
  const goTo = () => {
    const index = rows.findIndex(({ row }) => `#${row.id}` === location.hash);
    if (index < 0) return;
    const { row, group, line } = rows[index];
    if (!signs[index]) {
      told.textContent = `Nothing was asked of ${line} here: the home does not compute ${fields.asked.value} in ${fields.dtype.value}.`;
      return;
    }
    if (row.hidden) {
      form.reset();
      [fields.dtype.value, fields.asked.value] = shown.split("-");
      update();
    }
    group.open = true;
    prepare(group);
    row.scrollIntoView({ block: "center" });
    openDetail(index);
  };

  form.addEventListener("input", () => {
    remember("");
    refresh();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    remember("");
    refresh();
  }));
  addEventListener("hashchange", goTo);
  refresh().then(goTo);
})();
