"""Mirrors on this machine that serve files, and that fail, each in its way."""

import http.server
import io
import tarfile
import threading
import wave
from contextlib import contextmanager
from typing import ClassVar

from course_lib.data import fetching

ENOUGH = 20  # seconds for anything to happen


class Mirrors(http.server.BaseHTTPRequestHandler):
    """A server of ``/kind/name``, where the kind says how it fails; it counts what is asked for."""

    contents: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []
    released = threading.Event()

    def log_message(self, *arguments):
        """Say nothing."""

    def do_GET(self):
        """Answer as the path says."""
        _, kind, name = self.path.split("/")
        self.asked.append(kind)
        if kind in ("missing", "broken"):
            self.send_error(404 if kind == "missing" else 500)
            return
        if kind == "moved":
            self.send_response(302)
            self.send_header("Location", f"/good/{name}")
            self.end_headers()
            return
        content = self.contents[name]
        self.send_response(200)
        if kind not in ("endless", "trickling"):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            getattr(self, kind)(content)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def good(self, content):
        """Send the file."""
        self.wfile.write(content)

    def corrupt(self, content):
        """Send it with one bit changed."""
        middle = len(content) // 2
        self.wfile.write(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])

    def truncated(self, content):
        """Send half of what was announced."""
        self.wfile.write(content[: len(content) // 2])

    def silent(self, content):
        """Send a little, then nothing."""
        self.wfile.write(content[:100])
        self.wfile.flush()
        self.released.wait(ENOUGH)

    def trickling(self, content):
        """Send a byte at a time, without end."""
        while not self.released.wait(0.02):
            self.wfile.write(content[:1])
            self.wfile.flush()

    def endless(self, content):
        """Send without end."""
        while not self.released.is_set():
            self.wfile.write(content)

    def halting(self, content):
        """Send half, and the rest when the test lets it."""
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        self.released.wait(ENOUGH)
        self.wfile.write(content[len(content) // 2 :])


@contextmanager
def serving(monkeypatch, folder, contents):
    """Serve contents by name; data are kept in the folder, and little patience is had.

    Yields a function of a `File` and kinds, which returns that file at mirrors of these kinds.
    """
    monkeypatch.setenv("COURSE_LIB_DATA", str(folder))
    for name, value in [("CONNECT", 2.0), ("STALL", 0.5), ("WINDOW", 0.5)]:
        monkeypatch.setattr(fetching, name, value)
    monkeypatch.setattr(Mirrors, "contents", contents)
    monkeypatch.setattr(Mirrors, "asked", [])
    monkeypatch.setattr(Mirrors, "released", threading.Event())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirrors) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        yield lambda file, *kinds: file._replace(
            urls=tuple(f"{place}/{kind}/{file.name}" for kind in kinds)
        )
        Mirrors.released.set()
        server.shutdown()


def archive(samples, keys, folder="free-spoken-digit-dataset-1.0.10/recordings"):
    """Return an archive of recordings as it is published."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for key, sound in zip(keys, samples, strict=True):
            content = io.BytesIO()
            with wave.open(content, "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", None))
                file.writeframes(sound.astype("<i2").tobytes())
            member = tarfile.TarInfo(f"{folder}/{'_'.join(map(str, key))}.wav")
            member.size = len(content.getvalue())
            packed.addfile(member, io.BytesIO(content.getvalue()))
        readme = tarfile.TarInfo("free-spoken-digit-dataset-1.0.10/README.md")
        packed.addfile(readme, io.BytesIO(b""))
    return out.getvalue()
