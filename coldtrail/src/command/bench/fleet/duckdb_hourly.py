"""One sensor's readings by the hour with DuckDB."""

import json
import sys
import time

import duckdb

lake, rounds = sys.argv[1], int(sys.argv[2])
SQL = f"""
SELECT count(*) FROM (
  SELECT date_trunc('hour', measured_at) AS hour, min(temperature_c), max(temperature_c), avg(temperature_c)
  FROM read_parquet('{lake}/**/*.parquet', hive_partitioning = false) WHERE sensor = 'S000500' GROUP BY 1)
"""

connection, best = duckdb.connect(), None
for _ in range(rounds):
    began = time.perf_counter()
    connection.execute(SQL).fetchone()
    took = time.perf_counter() - began
    best = took if best is None else min(best, took)
print(json.dumps({"seconds": best}))
