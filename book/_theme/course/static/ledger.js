// Filter the ledger by verdict, chapter, section, evidence and words. The choice stands in the
// address, so that it can be sent; what the address asks for and the ledger lacks is said.
(() => {
  const entries = [...document.querySelectorAll(".ledger-entry")];
  const place = document.querySelector(".ledger-place");
  if (!entries.length || !place) return;

  const chapter = (entry) => entry.closest(".ledger-chapter");
  const facet = (entry, prefix) =>
    [...entry.classList].find((name) => name.startsWith(prefix))?.slice(prefix.length) ?? "";
  const READ = {
    verdict: (entry) => facet(entry, "claim-"),
    chapter: (entry) => chapter(entry).id.split("-").slice(2).join("-"),
    section: (entry) => facet(entry, "section-").replaceAll("-", "."),
    evidence: (entry) => facet(entry, "evidence-"),
  };
  const WORDS = {
    "holds-if": "holds if",
    live: "measured live",
    stored: "stored study",
  };
  const title = (name, value) => {
    if (name !== "chapter") return WORDS[value] ?? value;
    const found = entries.find((entry) => READ.chapter(entry) === value);
    return chapter(found).querySelector("h2").firstChild.textContent.trim();
  };

  const form = document.createElement("form");
  form.className = "ledger-filter";
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Filter the ledger");
  const add = (name, label, field) => {
    const line = document.createElement("label");
    line.append(label, field);
    field.name = name;
    form.append(line);
    return field;
  };
  const option = (value, text) => Object.assign(document.createElement("option"), { value, text });
  const fields = {};
  const LABELS = { verdict: "Verdict", chapter: "Chapter", section: "Section of the source", evidence: "Evidence" };
  for (const [name, label] of Object.entries(LABELS)) {
    const field = add(name, label, document.createElement("select"));
    const values = [...new Set(entries.map(READ[name]))];
    if (name === "section") values.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    field.append(option("", "all"), ...values.map((value) => option(value, title(name, value))));
    fields[name] = field;
  }
  const words = add("words", "Words", Object.assign(document.createElement("input"), { type: "search" }));
  const told = document.createElement("output");
  const reset = Object.assign(document.createElement("button"), { type: "reset", textContent: "Show all" });
  form.append(reset, told);
  place.append(form);

  const asked = new URLSearchParams(location.search);
  const unknown = [];
  for (const [name, field] of Object.entries(fields)) {
    const value = asked.get(name) ?? "";
    field.value = value;
    if (field.value !== value) {
      field.value = "";
      const known = [...field.options].map((choice) => choice.value).filter(Boolean);
      unknown.push(`The address asks for the ${name} "${value}"; there are ${known.join(", ")}.`);
    }
  }
  words.value = asked.get("words") ?? "";

  const fits = (entry) =>
    Object.entries(fields).every(([name, field]) => !field.value || READ[name](entry) === field.value) &&
    words.value.toLowerCase().split(/\s+/).every((word) => entry.textContent.toLowerCase().includes(word));

  const update = () => {
    for (const entry of entries) entry.hidden = !fits(entry);
    for (const part of document.querySelectorAll(".ledger-chapter")) {
      const count = part.querySelectorAll(".ledger-entry:not([hidden])").length;
      part.hidden = !count;
      const link = document.querySelector(`.ledger-contents a[href="#${part.id}"]`);
      if (!link) continue;
      link.nextSibling.data = `, ${count}`;
      link.closest("li").hidden = !count;
    }
    const shown = entries.filter((entry) => !entry.hidden).length;
    const count = shown ? `${shown} of ${entries.length} claims` : "No claim fits; loosen one of the choices.";
    told.textContent = [...unknown.splice(0), count].join(" ");
  };
  const remember = () => {
    const chosen = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    try {
      history.replaceState(null, "", `${location.pathname}${chosen.size ? `?${chosen}` : ""}`);
    } catch {
      // A folder's pages may not change their address.
    }
    update();
  };
  form.addEventListener("input", remember);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(remember));
  update();
})();
