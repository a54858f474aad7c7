// The switches, copying, scrolling and the place on the page. A classic script: it also runs from
// a folder, and nothing on a page depends on it but the buttons that it brings to life.
(() => {
  const root = document.documentElement;

  const remember = (name, value) => {
    try {
      if (value) localStorage.setItem(name, value);
      else localStorage.removeItem(name);
    } catch {
      // Storage may be closed, as in a sandboxed frame: the choice then lasts for this page.
    }
  };

  // Light or dark: the reader's choice, else the system's.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const themeSwitch = document.getElementById("theme");
  const showTheme = () => themeSwitch?.setAttribute("aria-pressed", String(theme() === "dark"));
  themeSwitch?.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    remember("theme", root.dataset.theme);
    showTheme();
  });
  dark.addEventListener("change", showTheme);
  showTheme();

  // Text and figures only.
  const readingSwitch = document.getElementById("reading");
  const showReading = () =>
    readingSwitch?.setAttribute("aria-pressed", String(root.dataset.reading === "text"));
  readingSwitch?.addEventListener("click", () => {
    if (root.dataset.reading === "text") delete root.dataset.reading;
    else root.dataset.reading = "text";
    remember("reading", root.dataset.reading);
    showReading();
  });
  showReading();

  // The element that an address means, if its author wrote it well.
  const placeOf = (hash) => {
    try {
      return document.getElementById(decodeURIComponent(hash.slice(1)));
    } catch {
      return null;
    }
  };

  // A link into something folded opens it.
  const reveal = () => {
    const target = placeOf(location.hash);
    if (!target) return;
    for (let above = target; above; above = above.parentElement) {
      if (above.tagName === "DETAILS") above.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Paper shows what is folded but code and what is to be kept so; browsers that do not open it by style need this.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("article details:not(.code, .kept, [open])")];
    for (const folded of opened) folded.open = true;
  });
  addEventListener("afterprint", () => opened.forEach((folded) => (folded.open = false)));

  // Copying code.
  const copied = (button, word) => {
    button.textContent = word;
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
  const code = (block) => {
    const lines = block.textContent.replace(/\n$/, "").split("\n");
    if (!lines.some((line) => line.startsWith(">>> "))) return lines.join("\n");
    return lines.filter((line) => /^(>>>|\.\.\.)( |$)/.test(line)).map((line) => line.slice(4)).join("\n");
  };
  const withoutClipboard = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("copying is not allowed here"));
  };
  const addButton = (block) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy this code");
    button.addEventListener("click", () => {
      const text = code(block);
      const done = navigator.clipboard ? navigator.clipboard.writeText(text) : withoutClipboard(text);
      done.then(() => copied(button, "Copied"), () => copied(button, "Not allowed"));
    });
    block.after(button);
  };
  for (const block of document.querySelectorAll("article .highlight > pre")) {
    if (!block.closest(".cell_output")) addButton(block);
  }
  // Another script says so when it adds code to the page.
  document.addEventListener("course-code", (event) => addButton(event.detail));

  // What is wider than the page scrolls, also by the keyboard.
  const KINDS = { "article .scrolls": "table", "article math": "", "article .highlight > pre": "code" };
  const measure = () => {
    for (const [selector, kind] of Object.entries(KINDS)) {
      for (const element of document.querySelectorAll(selector)) {
        if (element.scrollWidth > element.clientWidth + 1) {
          element.tabIndex = 0;
          if (!kind) continue; // a formula has a role, and its TeX as its name
          element.setAttribute("role", "group");
          element.setAttribute("aria-label", `Scrollable ${kind}`);
        } else {
          for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
        }
      }
    }
  };
  addEventListener("resize", measure);
  addEventListener("load", measure);

  // Where the reader is, in the contents of the page.
  const links = [...document.querySelectorAll(".contents.wide a")];
  const places = links
    .map((link) => [link, placeOf(link.hash)])
    .filter(([, place]) => place);
  let waiting = false;
  const follow = () => {
    waiting = false;
    const passed = places.filter(([, place]) => place.getBoundingClientRect().top < 140);
    const [current] = passed.at(-1) ?? [];
    for (const link of links) {
      if (link === current) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
  };
  if (places.length) {
    addEventListener("scroll", () => {
      if (!waiting) requestAnimationFrame(follow);
      waiting = true;
    }, { passive: true });
    follow();
  }

  // Cards: what a term, a reference or a claim says, while its link has the pointer or the focus.
  const KNOWN = '.term, [href*="bibliography.html#"], [href*="#claim-"]';
  const told = new Map();
  for (const link of document.querySelectorAll(`article a[title]:is(${KNOWN})`)) {
    told.set(link, link.title);
    link.removeAttribute("title");
  }
  if (told.size) {
    const card = document.createElement("div");
    card.id = "card";
    card.setAttribute("role", "tooltip");
    card.hidden = true;
    document.body.append(card);
    let shown = null;
    let later = 0;
    let firstTap = false;
    const hide = () => {
      shown?.removeAttribute("aria-describedby");
      shown = null;
      card.hidden = true;
    };
    const show = (link) => {
      clearTimeout(later);
      if (shown === link) return;
      hide();
      card.textContent = told.get(link);
      card.hidden = false;
      const line = link.getClientRects()[0];
      const left = Math.min(line.left, document.body.clientWidth - card.offsetWidth - 12);
      const below = line.bottom + card.offsetHeight + 8 < innerHeight;
      const top = below ? line.bottom + 6 : line.top - card.offsetHeight - 6;
      card.style.left = `${Math.max(12, left) + scrollX}px`;
      card.style.top = `${Math.max(0, top + scrollY)}px`;
      link.setAttribute("aria-describedby", "card");
      shown = link;
    };
    const soon = (action, wait) => {
      clearTimeout(later);
      later = setTimeout(action, wait);
    };
    for (const link of told.keys()) {
      link.addEventListener("mouseenter", () => soon(() => show(link), 120));
      link.addEventListener("mouseleave", () => soon(hide, 200));
      link.addEventListener("focus", () => show(link));
      link.addEventListener("blur", hide);
      // A finger has no hover: the first tap shows the card, the second follows the link.
      link.addEventListener("pointerdown", (event) => {
        firstTap = event.pointerType === "touch" && shown !== link;
      });
      link.addEventListener("click", (event) => {
        if (firstTap) event.preventDefault();
        if (firstTap) show(link);
        firstTap = false;
      });
    }
    card.addEventListener("mouseenter", () => clearTimeout(later));
    card.addEventListener("mouseleave", () => soon(hide, 200));
    addEventListener("keydown", (event) => event.key === "Escape" && hide());
    addEventListener("pointerdown", (event) => {
      if (event.target !== card && !event.target.closest?.("[aria-describedby=card]")) hide();
    });
  }

  // From a folder browsers show a notebook instead of saving it: a script beside it has its text.
  const notebook = location.protocol === "file:" && document.querySelector("a[download]");
  if (notebook) {
    notebook.addEventListener("click", (event) => {
      event.preventDefault();
      const script = document.createElement("script");
      script.addEventListener("load", () => {
        const link = document.createElement("a");
        const file = new Blob([window.courseNotebook], { type: "application/x-ipynb+json" });
        link.href = URL.createObjectURL(file);
        link.download = notebook.pathname.split("/").at(-1);
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      });
      script.addEventListener("error", () => location.assign(notebook.href));
      script.src = notebook.dataset.script;
      document.head.append(script);
    });
  }

  // The search box answers to "/", the menu closes on Escape.
  addEventListener("keydown", (event) => {
    const alone = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "/" && alone && !event.target.closest?.("input, textarea, [contenteditable]")) {
      event.preventDefault();
      (document.getElementById("query") ?? document.getElementById("find"))?.focus();
    }
    if (event.key === "Escape") document.getElementById("menu")?.removeAttribute("open");
  });
})();
