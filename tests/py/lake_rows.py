"""Reads the Delta table of readings with delta-rs and DuckDB, which know nothing of Coldtrail, and prints its rows.

lake_rows.py TABLE_DIR: sensor,at,temperature,humidity,unit,seq,quality, ordered.
"""

import pathlib
import sys
import urllib.parse

import deltalake
import duckdb

table = deltalake.DeltaTable(sys.argv[1])
files = [urllib.parse.unquote(urllib.parse.urlparse(uri).path) for uri in table.file_uris()]
assert all(pathlib.Path(file).is_file() for file in files), files
if files:
    database = duckdb.connect()
    rows = database.execute(
        """SELECT sensor, epoch_ms(measured_at), temperature_c, humidity_pct, unit, seq, quality,
                  strftime(measured_at AT TIME ZONE 'UTC', '%Y-%m-%d') = day::VARCHAR
           FROM read_parquet(?, hive_partitioning = true) ORDER BY ALL""",
        [files],
    ).fetchall()
    for *cells, in_its_day in rows:
        assert in_its_day, cells
        print(",".join("" if cell is None else repr(cell) if isinstance(cell, float) else str(cell) for cell in cells))
