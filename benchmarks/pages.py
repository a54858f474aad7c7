"""Print what the first view of each page of the built site loads, beside another build of it.

    python benchmarks/pages.py                          # the site of `make book`
    python benchmarks/pages.py --beside ../old/_build/html
    python benchmarks/pages.py --lighthouse 5 book/gradients book/practice

The other build may be that of an old commit, such as 264f8a8, which had the stock
theme: `git worktree add ../old 264f8a8`, and `make book` there. With scores, performance is a
median of so many runs. Without names, all pages are measured.

Requests and kilobytes are those of a cold visit at 1280 x 800, uncompressed, as a simple server
gives them; the shift is the cumulative layout shift. Each page is opened in a fresh window. It
needs what `make test-site` needs, and for the scores Lighthouse (`npm install lighthouse`).
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from browser import SHIFT, find, served
from environment import ROOT
from site_checks import documents

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def visited(browser, address):
    """Open a page; return its requests, kilobytes and layout shift."""
    window = browser.new_context(viewport={"width": 1280, "height": 800})
    page, answers = window.new_page(), []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(address, wait_until="networkidle")
    size = sum(len(answer.body()) for answer in answers)
    found = {
        "requests": str(len(answers)),
        "KB": f"{size / 1000:,.0f}",
        "shift": f"{page.evaluate(SHIFT):.3f}",
    }
    window.close()
    return found


def measured(browser, folder, names):
    """Return the figures of each page that a site has."""
    with served(folder) as start:
        there = [name for name in names if (folder / f"{name}.html").exists()]
        return {name: visited(browser, f"{start}{name}.html") for name in there}


def scores(program, browser, address, times):
    """Return Lighthouse's score of a page in each category, the performance as a median."""
    runs = []
    for turn in range(times):
        wanted = CATEGORIES if turn == 0 else CATEGORIES[:1]
        command = [program, address, "--quiet", "--output=json", "--output-path=stdout"]
        command += [f"--only-categories={','.join(wanted)}"]
        command += ["--chrome-flags=--headless=new --no-sandbox", "--preset=desktop"]
        environ = os.environ | {"CHROME_PATH": browser}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)["categories"]
        runs.append({name: round(100 * found[name]["score"]) for name in wanted})
    median = statistics.median(run["performance"] for run in runs)
    return {name: str(score) for name, score in (runs[0] | {"performance": median}).items()}


def lighthouse(program, browser, folder, names, times):
    """Return the scores of each page."""
    with served(folder) as start:
        return {n: scores(program, browser, f"{start}{n}.html", times) for n in names}


def line(cells):
    """Return a row of a table in Markdown."""
    return "| " + " | ".join(cells) + " |"


def table(names, columns):
    """Return a table in Markdown: a row for each page, columns by title and figure."""
    heads = [(title, key) for title, found in columns for key in next(iter(found.values()), {})]
    lines = [line(["page", *(f"{title} {key}".strip() for title, key in heads)])]
    lines.append(line([":---", *("---:" for _ in heads)]))
    for name in names:
        cells = [found.get(name, {}) for _, found in columns]
        shown = dict(zip((title for title, _ in columns), cells, strict=True))
        lines.append(line([name, *(shown[title].get(key, "") for title, key in heads)]))
    return lines


def main(arguments=None):
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="PAGE", help="such as book/gradients")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--beside", type=Path, help="another build, such as that of an old commit")
    parser.add_argument("--lighthouse", type=int, metavar="TIMES", default=0)
    options = parser.parse_args(arguments)
    for folder in filter(None, (options.site, options.beside)):
        if not (folder / "index.html").exists():
            parser.error(f"{folder} holds no built site; build it with: make book")
    known = documents(ROOT)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no page {', '.join(unknown)}; expected some of {', '.join(known)}")
    program = shutil.which("lighthouse")
    try:
        browser = find()
    except LookupError as problem:
        parser.error(problem.args[0])
    if options.lighthouse and program is None:
        parser.error("Lighthouse was not found; install it with: npm install --global lighthouse")
    from playwright.sync_api import sync_playwright

    names = options.names or known
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        columns = [("", measured(window, options.site, names))]
        if options.beside:
            columns.append(("beside", measured(window, options.beside, names)))
        window.close()
    if options.lighthouse:
        found = lighthouse(program, browser, options.site, names, options.lighthouse)
        columns.append(("Lighthouse", found))
    print("\n".join(table(names, columns)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
