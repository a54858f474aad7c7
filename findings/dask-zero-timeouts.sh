#!/usr/bin/env bash
# What:      worker_ttl and idle_timeout of Dask's scheduler, given as 0 to switch them off
# Version:   distributed 2026.8.0
# Behavior:  0 is taken for "not given" and the configuration's value counts: a worker that is
#            silent for five minutes is still removed, and where a site configures an idle timeout
#            the scheduler closes. The string "0s" switches both off.
# Right:     0 seconds is "0s", and what the caller gives comes before the configuration,
#            whose own 0 switches worker_ttl off
# Seen:      worker_ttl 300 for 0, 0 for "0s"; a scheduler with idle_timeout=0 closed after the
#            configured second, one with "0s" still running after five; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check distributed==2026.8.0
cd "$dir"
"$python" -W ignore - 2> "$dir/log" <<'PY' || { cat "$dir/log" >&2; exit 1; }
import asyncio
import sys

import dask
from distributed import Scheduler


async def look(value, seconds=0):
    options = {"dashboard": False, "host": "127.0.0.1", "port": 0}
    async with Scheduler(worker_ttl=value, idle_timeout=value, **options) as scheduler:
        await asyncio.sleep(seconds)
        return scheduler.worker_ttl, scheduler.idle_timeout, scheduler.status.name


async def main():
    given = {value: await look(value) for value in (0, "0s")}
    with dask.config.set({"distributed.scheduler.worker-ttl": 0}):
        configured = await look(None)
    with dask.config.set({"distributed.scheduler.idle-timeout": "1s"}):
        idle = {value: await look(value, 5) for value in (0, "0s")}
    return given, configured, idle


given, configured, idle = asyncio.run(main())
for value, (ttl, *_) in given.items():
    print(f"worker_ttl given {value!r}: {ttl}")
print("worker_ttl configured 0:", configured[0])
for value, (_, timeout, status) in idle.items():
    print(f"configured idle timeout 1 s, given {value!r}: {timeout}, {status} after 5 s")
unchanged = (given[0][0], given["0s"][0], configured[0]) == (300, 0, 0)
unchanged &= (idle[0][1:], idle["0s"][1:]) == ((1, "closed"), (0, "running"))
print("unchanged: 0 is not 0" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
