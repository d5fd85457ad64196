"""Excursions above a limit with DuckDB SQL: gaps and islands."""

import json
import sys
import time
from pathlib import Path

import duckdb

lake, limit, delay, rounds = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
SQL = f"""
WITH pairs AS (
  SELECT sensor, epoch_ms(measured_at) AS at, temperature_c AS x,
         lag(epoch_ms(measured_at)) OVER w AS at0, lag(temperature_c) OVER w AS x0
  FROM read_parquet('{lake}/**/*.parquet', hive_partitioning = false)
  WINDOW w AS (PARTITION BY sensor ORDER BY measured_at)
), marked AS (
  SELECT *, x > {limit} AS is_out, coalesce(x0 > {limit}, false) AS was_out,
         at0 + ({limit} - x0) / (x - x0) * (at - at0) AS crossing
  FROM pairs
), islands AS (
  SELECT *, sum(CASE WHEN is_out AND NOT was_out THEN 1 ELSE 0 END)
              OVER (PARTITION BY sensor ORDER BY at) AS island
  FROM marked
), excursions AS (
  SELECT (max(CASE WHEN is_out THEN at ELSE crossing END)
        - min(CASE WHEN was_out THEN at WHEN at0 IS NULL THEN at ELSE crossing END)) / 1000.0 AS seconds
  FROM islands WHERE is_out OR was_out GROUP BY sensor, island
)
SELECT count(*), count(*) FILTER (seconds >= {delay}), sum(seconds) FROM excursions WHERE seconds > 0
"""

best, answer = None, None
for _ in range(rounds):
    connection = duckdb.connect()
    began = time.perf_counter()
    answer = connection.execute(SQL).fetchone()
    took = time.perf_counter() - began
    best = took if best is None else min(best, took)
print(json.dumps({"excursions": answer[0], "fired": answer[1], "seconds_out": answer[2], "seconds": best}))
