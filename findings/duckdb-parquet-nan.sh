#!/usr/bin/env bash
# What:      one filter over a Parquet file with a NaN and over the same table in memory, in DuckDB
#            and in pyarrow's datasets
# Version:   duckdb 2.0.1, pyarrow 26.0.1
# Behavior:  each disagrees with itself, because the statistics of a row group leave NaN out and are
#            then taken for all rows. DuckDB, where NaN is the largest number, drops it from
#            `loss > 5` and adds it to `loss < 5`; pyarrow drops it from ~(loss < 5). polars does
#            not. A run that diverged disappears, or counts as one below the bound.
# Right:     the rows of the filter over the table in memory; the format's parquet.thrift says that
#            statistics do not tell whether there are NaN values (DuckDB's issue 25521 is this)
# Seen:      DuckDB > 5: file [], memory [1]; < 5: file [0, 1, 2, 3], memory [0, 2, 3]; pyarrow not
#            < 5: file [], memory [1]; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0
cd "$dir"
"$python" - <<'PY'
import math
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

losses = pa.table({"run": [0, 1, 2, 3], "loss": [1.0, math.nan, 2.0, 0.5]})
pq.write_table(losses, "losses.parquet")


def duck(source, condition):
    query = f"select run from {source} where {condition} order by run"
    return [row[0] for row in duckdb.sql(query).fetchall()]


def arrow(condition):
    file = ds.dataset("losses.parquet").to_table(filter=condition)
    return [rows["run"].to_pylist() for rows in (file, losses.filter(condition))]


above, below = (
    [duck("'losses.parquet'", condition), duck("losses", condition)]
    for condition in ("loss > 5", "loss < 5")
)
not_below = arrow(~(pc.field("loss") < 5))
lazy = polars.scan_parquet("losses.parquet").filter(polars.col("loss") > 5).collect()
print("DuckDB  loss > 5    file", above[0], "memory", above[1])
print("DuckDB  loss < 5    file", below[0], "memory", below[1])
print("pyarrow ~(loss < 5) file", not_below[0], "memory", not_below[1])
print("polars  loss > 5    file", lazy["run"].to_list())
unchanged = (
    above == [[], [1]]
    and below == [[0, 1, 2, 3], [0, 2, 3]]
    and not_below == [[], [1]]
    and lazy["run"].to_list() == [1]
)
print("unchanged: the file's statistics decide about NaN" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
