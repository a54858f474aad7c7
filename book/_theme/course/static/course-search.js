// The search page. A classic script, after the index (window.COURSE_SEARCH) and MiniSearch, which
// ranks by BM25+. Words are those of course-words.js; a name such as he_normal is found as a whole,
// without its underscore, and by its parts.
(() => {
  const { WORD, fold, forms, joined, marked, parts, spans, stem, words } = window.courseWords ?? {};
  const AT_ONCE = 50;
  const before = history.state?.shown ?? 0; // how many hits a reader saw who comes back
  const BEFORE = 60; // characters of an excerpt before the first hit, and in all
  const LENGTH = 260;
  const KINDS = { page: "", section: "", claim: "Claim", exercise: "Exercise", solution: "Solution",
    api: "Library", term: "Glossary", source: "Source" };
  const WEIGHTS = { page: 1.6, section: 1.2, term: 1.5, exercise: 0.7, solution: 0.7,
    api: 0.5, source: 0.6 };
  const SMALL = new Set("a an and are as at be by for from in is it of on or that the this to with what why how".split(" "));
  const input = document.getElementById("query");
  const count = document.getElementById("search-count");
  const list = document.getElementById("hits");
  const more = document.getElementById("more");
  const asked = (new URLSearchParams(location.search).get("q") ?? "").trim();

  // The index.
  const { pages, entries, synonyms } = window.COURSE_SEARCH ?? {};
  const vocabulary = new Map(); // how a word is written where it is met first
  const tokens = (text) => words(text).flatMap((word) => {
    for (const part of parts(word)) vocabulary.set(stem(part), vocabulary.get(stem(part)) ?? part);
    vocabulary.set(stem(joined(word)), vocabulary.get(stem(joined(word))) ?? word);
    return forms(word);
  });
  let index;
  const groups = new Map();
  const prepare = () => {
    index = new window.MiniSearch({
      fields: ["title", "text", "code"], tokenize: tokens, processTerm: (term) => term || null,
    });
    index.addAll(entries.map(([, place, kind, title, text, code], id) =>
      ({ id, title: kind === "api" ? place : title, text, code })));
    for (const group of synonyms) {
      for (const word of group) groups.set(words(word).map(joined).join(""), group);
    }
  };

  // What is asked, as a tree of words that MiniSearch understands.
  const all = (queries, more = {}) => ({ combineWith: "AND", queries, ...more });
  const any = (queries, more = {}) => ({ combineWith: "OR", queries, ...more });
  const exactly = (told) => {
    const single = words(told).flatMap(parts).map(stem);
    const whole = stem(words(told).map(joined).join(""));
    return single.length > 1 ? any([whole, all(single)]) : whole;
  };
  const unit = (told, last) => {
    const key = words(told).map(joined).join("");
    const others = (groups.get(key) ?? []).filter((word) => joined(word) !== key);
    const queries = [exactly(told)];
    if (last && key.length > 2) queries.push({ queries: [key], prefix: true });
    if (others.length) queries.push(any(others.map(exactly), { boostTerm: () => 0.6 }));
    return any(queries);
  };
  const units = (asked) => {
    const told = words(asked);
    const large = told.filter((word) => !SMALL.has(fold(word)));
    const wanted = large.length ? large : told;
    const found = [];
    for (let i = 0; i < wanted.length; ) {
      const size = [3, 2].find((n) => i + n <= wanted.length
        && groups.has(wanted.slice(i, i + n).map(joined).join(""))) ?? 1;
      found.push(wanted.slice(i, i + size).join(" "));
      i += size;
    }
    return found;
  };
  const names = (id, term) => entries[id][2] === "api" && stem(joined(entries[id][1].split(".").at(-1))) === term;
  const plain = (text) => ` ${words(text).map(fold).join(" ")} `;
  const search = (asked) => {
    const phrases = [...asked.matchAll(/["“”]([^"“”]+)["“”]/g)].map(([, phrase]) => plain(phrase)).filter((phrase) => phrase.trim());
    const told = phrases.length ? words(asked) : units(asked);
    if (!told.length) return [];
    const wanted = told.map((word, i) => (phrases.length ? exactly(word) : unit(word, i === told.length - 1)));
    return index.search(all(wanted), {
      tokenize: (term) => [term],
      boost: { title: 4, code: 0.3 },
      boostDocument: (id, term) => (WEIGHTS[entries[id][2]] ?? 1) * (names(id, term) ? 2 : 1),
      filter: ({ id }) => phrases.every((phrase) => plain(`${entries[id][3]} ${entries[id][4]}`).includes(phrase)),
    });
  };

  // Typing errors: one letter too many, missing or wrong, or two that changed places.
  const near = (one, other) => {
    let i = 0;
    while (i < one.length && one[i] === other[i]) i += 1;
    const [a, b] = [one.slice(i), other.slice(i)];
    return a.slice(1) === b.slice(1) || a === b.slice(1) || a.slice(1) === b
      || (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2));
  };
  const mended = (word) => {
    const key = joined(word);
    if (key.length < 5 || search(word).length) return word;
    const known = [...vocabulary.entries(), ...[...groups.keys()].map((other) => [other, other])];
    const found = known.filter(([other]) => near(key, other) || near(stem(key), other));
    const times = new Map(found.map(([, written]) => [written, search(written).length]));
    return [...times.keys()].sort((a, b) => times.get(b) - times.get(a))[0] ?? word;
  };
  const corrected = (asked) => asked.replace(WORD, mended);

  // What is shown.
  const element = (name, className, ...children) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };
  const excerpt = (text, terms) => {
    const found = spans(text, terms);
    const different = (start) => new Set(
      found.filter(([at]) => at >= start && at < start + LENGTH - BEFORE).map(([, , word]) => word)).size;
    const best = found.reduce((kept, [start]) => (kept === undefined || different(start) > different(kept) ? start : kept), undefined) ?? 0;
    const from = best > BEFORE ? text.indexOf(" ", best - BEFORE) + 1 : 0;
    const cut = text.length > from + LENGTH ? text.lastIndexOf(" ", from + LENGTH) : text.length;
    const to = Math.max(cut, best);
    return [from ? "… " : "", ...marked(text, terms, from, to), to < text.length ? " …" : ""];
  };
  const breakable = (piece) => (typeof piece !== "string" ? [piece]
    : piece.split(/(?<=[._])/).flatMap((part) => [part, element("wbr", "")]).slice(0, -1));
  const hit = ({ id, terms }) => {
    const [page, place, kind, title, text, code] = entries[id];
    const [address, pageTitle] = pages[page];
    const matched = new Set(terms);
    const heading = title || (kind === "api" ? place : text.split(" ").slice(0, 12).join(" ") + " …");
    const link = element("a", "", ...marked(heading, matched).flatMap(breakable));
    link.href = `${address}?${new URLSearchParams({ marked: terms.join(" ") })}${place ? `#${encodeURI(place)}` : ""}`;
    const where = [KINDS[kind], kind === "page" ? "" : pageTitle].filter(Boolean).join(" · ");
    const only = code && !spans(text, matched).length && spans(code, matched).length;
    const shown = only ? ["In its code: ", ...excerpt(code, matched)] : excerpt(text, matched);
    return element("li", "", link, element("p", "where", where), element("p", "excerpt", ...shown));
  };

  let waiting = [];
  const showMore = () => {
    const first = list.children.length;
    list.append(...waiting.slice(0, AT_ONCE).map(hit));
    waiting = waiting.slice(AT_ONCE);
    more.hidden = !waiting.length;
    history.replaceState({ shown: list.children.length }, "");
    return list.children[first]?.querySelector("a");
  };
  const answer = () => {
    waiting = search(asked);
    const better = waiting.length ? asked : corrected(asked);
    if (better !== asked) waiting = search(better);
    const places = `${waiting.length} place${waiting.length === 1 ? "" : "s"}`;
    if (!waiting.length) {
      count.textContent = `Nothing was found for “${asked}”. Try fewer words, the beginning of a word, or another word for it.`;
    } else if (better !== asked) {
      count.textContent = `Nothing was found for “${asked}”. Showing results for “${better}”: ${places}.`;
    } else {
      count.textContent = `${places} for “${asked}”.`;
    }
    do showMore(); while (list.children.length < before && waiting.length);
  };

  more.addEventListener("click", () => showMore()?.focus());
  document.getElementById("search").addEventListener("submit", (event) => {
    if (!input.value.trim()) event.preventDefault();
  });
  input.value = asked;
  if (!asked) {
    input.focus();
    return;
  }
  document.getElementById("find").value = asked;
  document.title = `${asked} · ${document.title}`;
  if (!entries || !window.MiniSearch || !window.courseWords) {
    count.textContent = "The index of the search did not load. Load the page again, or look in the index of names.";
    return;
  }
  prepare();
  answer();
})();
