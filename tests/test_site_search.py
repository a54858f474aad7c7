"""The index of the search: its entries, their words, the symbols of formulas, and synonyms."""

import hashlib
import json

import course_theme
import pytest
import site_search
from sphinx.errors import ExtensionError

PAGE = """\
<html><body><nav>Not read</nav><main><article>
<section id="bends"><h1><span class="section-number">2. </span>Bends<a class="headerlink">¶</a></h1>
<p>A network<br>bends.</p><script>unread()</script>
<section id="five"><h2>Five of them</h2>
<p>With <math><mi>𝜎</mi><mo>&#x2061;</mo><mo>(</mo><mi>w</mi><mi>x</mi><mo>)</mo></math>, say.</p>
<pre>y = relu(x) + np.exp(x)  # rises
relu6 = 1</pre>
<figure id="fig"><img alt="A bend."><figcaption>The caption.</figcaption></figure>
<div class="cell_output"><pre>0.25</pre>
<aside class="claim" id="claim-a"><p class="claim-statement">It bends.</p><p>Holds</p></aside></div>
<p>After the claim.</p>
<div class="exercise admonition" id="ex-a"><p class="admonition-title">Exercise 1 (Bend)</p>
<p>Bend it.</p></div>
<details class="solution" id="sol-a"><summary>Solution</summary><p>Folded away.</p></details>
</section>
<section id="empty"><h2>Nothing here</h2></section>
<section id="names"><h2>Names</h2><p>Terms.</p>
<dl class="glossary"><dt id="term-gain">gain</dt><dd><p>A factor.</p></dd></dl>
<dl class="py class"><dt class="sig" id="lib.Net"><span>Net</span>(<em>x</em>)
<a class="viewcode-link">source</a></dt>
<dd><p>A network.</p><div class="admonition seealso"><p class="admonition-title">See also</p></div>
<dl class="py method"><dt class="sig" id="lib.Net.relu">relu()</dt><dd><p>Bend.</p>
<dl class="field-list"><dt>Returns</dt><dd>unread</dd></dl></dd></dl>
<p>Of layers.</p></dd></dl>
<div class="citation" id="id7"><span class="label">[7]</span><p>Ada Bend. On bends.</p></div>
<ul class="ledger"><li>It bends.</li></ul>
</section></section></article><footer>Not read</footer></main></body></html>
"""
FOUND = site_search.entries([("a.html", PAGE)])["entries"]
ENTRIES = {place: entry for _, place, *entry in FOUND}


def test_every_place_of_a_page_is_an_entry():
    assert {place: kind for place, (kind, *_) in ENTRIES.items()} == {
        "": "page",
        "five": "section",
        "claim-a": "claim",
        "ex-a": "exercise",
        "sol-a": "solution",
        "names": "section",
        "term-gain": "term",
        "lib.Net": "api",
        "lib.Net.relu": "api",
        "id7": "source",
    }


@pytest.mark.parametrize(
    ("place", "title", "text"),
    [
        ("", "2. Bends", "A network bends."),
        ("five", "Five of them", "With σ(w x), say. The caption. After the claim."),
        ("claim-a", "It bends.", "Holds"),
        ("ex-a", "Exercise 1 (Bend)", "Bend it."),
        ("sol-a", "Solution: Exercise 1 (Bend)", "Folded away."),
        ("names", "Names", "Terms."),
        ("term-gain", "gain", "A factor."),
        ("lib.Net", "", "Net(x) A network. See also Of layers."),
        ("lib.Net.relu", "", "relu() Bend."),
        ("id7", "", "Ada Bend. On bends."),
    ],
)
def test_an_entry_has_its_title_and_its_text(place, title, text):
    assert ENTRIES[place][1:3] == [title, text]


def test_of_code_the_names_of_the_library_are_kept():
    assert ENTRIES["five"][3] == "relu"
    assert [code for *_, code in FOUND if code] == ["relu"]


def test_pages_keep_their_address_and_title():
    found = site_search.entries([("a.html", PAGE), ("b/c.html", PAGE.replace("Bends", "More"))])
    assert found["pages"] == [["a.html", "2. Bends"], ["b/c.html", "2. More"]]
    assert {entry[0] for entry in found["entries"]} == {0, 1}


FORMULAS = {
    "<msup><mi>e</mi><mrow><mo>−</mo><mi>x</mi></mrow></msup>": "e^(−x)",
    "<msup><mi>f</mi><mo>′</mo></msup><mi>x</mi>": "f′x",
    "<msub><mi>σ</mi><mi>w</mi></msub>": "σ_w",
    "<msubsup><mi>σ</mi><mi>w</mi><mn>2</mn></msubsup>": "σ_w^2",
    "<mfrac><mn>1</mn><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></mfrac>": "1/(n+1)",
    "<msqrt><mn>2</mn></msqrt>": "√2",
    "<mi>ln</mi><mo>&#x2061;</mo><mi>x</mi><annotation>\\ln x</annotation>": "ln x",
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_read_by_its_symbols(formula):
    page = f"<article><section id=s><p>A <math>{formula}</math>.</p></section></article>"
    (entry,) = site_search.Reader(page).entries
    assert "".join(entry.text).strip() == f"A {FORMULAS[formula]}."


def written(folder, text):
    """Return a file of synonyms."""
    path = folder / "synonyms.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_synonyms_are_read(tmp_path):
    path = written(tmp_path, 'groups = [["swish", "silu"], ["σ", "sigmoid"]]')
    assert site_search.synonyms(path) == [["swish", "silu"], ["σ", "sigmoid"]]


def test_the_synonyms_of_the_book_are_right():
    assert ["swish", "silu"] in site_search.synonyms()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("groups = [", "cannot be read"),
        ("", "has no list of groups"),
        ("groups = 3", "has no list of groups"),
        ('groups = [["a", "b"]]\nwords = []', "has words; expected is groups"),
        ('groups = ["a", "b"]', "group 1 of synonyms.toml is 'a'"),
        ('groups = [["a", "b"], ["c", 1]]', "group 2 of synonyms.toml is"),
        ('groups = [["a", " "]]', "expected is a list of words"),
        ('groups = [["a"]]', "expected are two different words or more"),
        ('groups = [["a", "A"]]', "expected are two different words or more"),
        ('groups = [["a", "b"], ["B", "c"]]', "has 'B', as has group 1"),
    ],
)
def test_a_wrong_file_of_synonyms_is_an_error(tmp_path, text, told):
    with pytest.raises(ExtensionError, match=told):
        site_search.synonyms(written(tmp_path, text))


def test_a_missing_file_of_synonyms_is_an_error(tmp_path):
    with pytest.raises(ExtensionError, match="cannot be read"):
        site_search.synonyms(tmp_path / "synonyms.toml")


class Builder(site_search.StandaloneHTMLBuilder):
    """A builder whose pages are there."""

    name = "html"

    def __init__(self, folder):
        """Keep where the pages are."""
        self.folder = folder

    def get_outfilename(self, pagename):
        """Return the file of a page."""
        return self.folder / f"{pagename}.html"

    def get_target_uri(self, docname, typ=None):
        """Return the address of a page."""
        return f"{docname}.html"


class App:
    """What the extension asks of Sphinx."""

    def __init__(self, folder):
        """Write a page."""
        self.outdir, self.env, self.builder = folder, self, Builder(folder)
        (folder / "_static").mkdir()
        (folder / "a.html").write_text(PAGE, encoding="utf-8")

    def collect_relations(self):
        """Return the pages."""
        return {"a": []}


def test_the_index_is_a_script_and_there_is_no_stock_search(tmp_path):
    app = App(tmp_path)
    site_search.leave_out_stock(app)
    assert app.builder.search is False
    assert next(site_search.search_page(app))[::2] == ("search", "search.html")
    site_search.write_index(app, None)
    (script,) = (tmp_path / "_static").iterdir()
    told = script.read_text(encoding="utf-8").removeprefix("window.COURSE_SEARCH=")
    assert json.loads(told.removesuffix(";\n"))["entries"] == FOUND


@pytest.mark.parametrize("state", ["failed", "other builder"])
def test_no_index_is_made_of_a_build_that_failed_or_has_no_pages(tmp_path, state):
    app = App(tmp_path)
    if state == "other builder":
        app.builder.name = "singlehtml"
    site_search.write_index(app, ValueError() if state == "failed" else None)
    assert list((tmp_path / "_static").iterdir()) == []


def test_minisearch_is_the_published_file_with_its_license():
    folder = course_theme.THEME / "static" / "vendor"
    digest = hashlib.sha256((folder / "minisearch.js").read_bytes()).hexdigest()
    assert digest == "03c27931eb603af1d3358579e9885eafdb6a2f5fa9929557b3e77d7e99d06d03"
    assert "Luca Ongaro" in (folder / "minisearch-LICENSE.txt").read_text(encoding="utf-8")
