"""Serve the built site on this machine, at port 8000 or another that is free, until Ctrl-C."""

import sys
from contextlib import suppress

from browser import server
from environment import no_arguments
from paper import finished_site, run

PORT = 8000


def serve():
    """Serve the site and say where; LookupError says what to do where there is none."""
    site = finished_site()
    try:
        found = server(site, PORT)
    except OSError:  # something else is served there
        found = server(site)
    with found, suppress(KeyboardInterrupt):
        print(f"The site is at http://127.0.0.1:{found.server_port}/; Ctrl-C ends it", flush=True)
        found.serve_forever()


if __name__ == "__main__":
    no_arguments(__doc__)
    sys.exit(run(serve))
