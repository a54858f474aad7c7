// Let readers who use the keyboard scroll what is wider than the page: equations, tables and figures.
(() => {
  const TABLES = ".bd-article .pst-scrollable-table-container";
  const EQUATIONS = ".bd-article math";
  const FIGURES = ".bd-article figure:has(img)";
  const KINDS = { [TABLES]: "table", [EQUATIONS]: "equation", [FIGURES]: "figure" };

  const label = (element) =>
    `Scrollable ${KINDS[Object.keys(KINDS).find((selector) => element.matches(selector))]}`;

  const update = (element) => {
    if (element.scrollWidth > element.clientWidth + 1) {
      element.tabIndex = 0;
      if (element.matches(EQUATIONS)) return; // has its role and, with the TeX, its name
      element.setAttribute("role", "group");
      element.setAttribute("aria-label", label(element));
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
    }
  };

  const all = () => document.querySelectorAll(Object.keys(KINDS).join()).forEach(update);

  window.addEventListener("resize", all);
  window.addEventListener("load", all);
})();
