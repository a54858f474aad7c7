// Words: how the search compares them, and how a page marks those of the search that led to it.
// Case, accents and plural do not count. A classic script: the search page uses it, too.
(() => {
  const WORD = /[\p{L}\p{M}\p{N}∂∇∞]+(?:[._'’‑-]+[\p{L}\p{M}\p{N}]+)*/gu;
  const PART = /[\p{L}\p{M}\p{N}∂∇∞]+/gu;
  const UNMARKED = "script, style, svg, math, button";

  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ς", "σ");
  const stem = (word) => (word.length > 3 && /[^sui]s$/.test(word) ? word.slice(0, -1) : word);
  const words = (text) => text.match(WORD) ?? [];
  const parts = (word) => (/^[\d.]+$/.test(word) ? [word] : fold(word).match(PART) ?? []);
  const joined = (word) => parts(word).join("");
  const forms = (word) => [...new Set([joined(word), ...parts(word)].map(stem))];

  // Where a text is marked: parts of a name, or all of it if all were found, or none alone.
  const spans = (text, terms) => [...text.matchAll(WORD)].flatMap((match) => {
    const [word] = match;
    const single = [...word.matchAll(PART)];
    const found = single.filter(([part]) => terms.has(stem(fold(part))));
    const whole = found.length ? found.length === single.length : terms.has(stem(joined(word)));
    return (whole ? [{ 0: word, index: 0 }] : found)
      .map(({ 0: part, index }) => [match.index + index, match.index + index + part.length, stem(joined(part))]);
  });
  const marked = (text, terms, from = 0, to = text.length) => {
    const pieces = [];
    let done = from;
    for (const [start, end] of spans(text, terms)) {
      if (start < from || end > to) continue;
      const mark = document.createElement("mark");
      mark.textContent = text.slice(start, end);
      pieces.push(text.slice(done, start), mark);
      done = end;
    }
    return [...pieces, text.slice(done, to)];
  };
  window.courseWords = { WORD, fold, forms, joined, marked, parts, spans, stem, words };

  // The search names the words in the address, and the place: "?marked=dead+unit#dead-units".
  const address = new URL(location.href);
  const terms = new Set(words(address.searchParams.get("marked") ?? "").flatMap(forms));
  const article = document.querySelector("main article");
  if (!terms.size || !article) return;

  const named = document.getElementById(address.hash.slice(1));
  const place = article.contains(named) ? named : article;
  const shown = [place, place.matches("dt") && place.nextElementSibling].filter(Boolean);
  const textsOf = (element) => {
    const found = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode);
    return found.filter((text) => !text.parentElement.closest(UNMARKED));
  };
  const marks = shown.flatMap(textsOf).flatMap((text) => {
    const pieces = marked(text.data, terms);
    if (pieces.length > 1) text.replaceWith(...pieces);
    return pieces.filter((piece) => piece instanceof Element);
  });
  // MathML knows no marks: a formula is marked as a whole, if it has a name that is looked for.
  const symbols = (formula) => [...formula.querySelectorAll("mi")].map((symbol) => symbol.textContent);
  const formulas = shown.flatMap((element) => [...element.querySelectorAll("math")])
    .filter((formula) => spans(symbols(formula).join(" "), terms).length);
  for (const formula of formulas) formula.classList.add("marked");
  if (!marks.length && !formulas.length) return;

  // Escape takes the marks away, as does a button for those who have no such key.
  const button = document.createElement("button");
  button.type = "button";
  button.className = "unmark";
  button.textContent = "Remove the marks";
  button.setAttribute("aria-keyshortcuts", "Escape");
  const unmark = () => {
    for (const mark of marks) {
      const around = mark.parentNode;
      mark.replaceWith(...mark.childNodes);
      around.normalize();
    }
    for (const formula of formulas) formula.classList.remove("marked");
    if (document.activeElement === button) document.getElementById("main").focus({ preventScroll: true });
    button.remove();
    removeEventListener("keydown", onEscape);
    const bare = new URL(location.href); // a reader may have gone to another place of the page
    bare.searchParams.delete("marked");
    try {
      history.replaceState(null, "", bare);
    } catch {
      // A folder's pages may not change their address.
    }
  };
  const onEscape = (event) => event.key === "Escape" && unmark();
  button.addEventListener("click", unmark);
  addEventListener("keydown", onEscape);
  document.body.append(button);
})();
