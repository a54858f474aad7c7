"""`make serve`: where the site is, also if a port is taken, and what to do without a site."""

import re
import socket
from urllib.request import urlopen

import browser
import paper
import pytest
import serve


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a finished site of one page."""
    monkeypatch.setattr(paper, "BUILD", tmp_path)
    monkeypatch.setattr(paper, "SITE", tmp_path / "html")
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("bends", encoding="utf-8")
    return tmp_path / "html"


def interrupted(self):
    """Serve nothing, as when Ctrl-C comes at once."""
    raise KeyboardInterrupt


def test_it_says_where_the_site_is_and_ends_in_peace(site, monkeypatch, capsys):
    monkeypatch.setattr(browser.http.server.ThreadingHTTPServer, "serve_forever", interrupted)
    assert paper.run(serve.serve) == 0
    assert re.match(r"The site is at http://127\.0\.0\.1:\d+/; Ctrl-C", capsys.readouterr().out)


def test_a_port_that_is_taken_is_no_error(site, monkeypatch, capsys):
    monkeypatch.setattr(browser.http.server.ThreadingHTTPServer, "serve_forever", interrupted)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(serve, "PORT", taken)
        assert paper.run(serve.serve) == 0
    assert f":{taken}/" not in capsys.readouterr().out


def test_what_is_served_is_the_folder(site):
    with browser.served(site) as address, urlopen(address, timeout=30) as answer:
        assert answer.read() == b"bends"


@pytest.mark.parametrize("state", ["missing", "unfinished"])
def test_without_a_finished_site_one_line_says_what_to_do(site, state, capsys):
    if state == "missing":
        (site / "index.html").unlink()
    else:
        (site.parent / "unfinished").touch()
    assert paper.run(serve.serve) == 1
    assert capsys.readouterr().err == f"{paper.NO_SITE}\n"
