"""Excursions above a limit with DuckDB SQL: gaps and islands."""

import json
import sys
import time
from pathlib import Path

import duckdb

lake, limit, delay, rounds = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
SQL = f"""
WITH pairs AS (
  SELECT sensor, epoch_ms(measured_at) AS ms, temperature_c AS x,
         lag(epoch_ms(measured_at)) OVER w AS ms0, lag(temperature_c) OVER w AS x0
  FROM read_parquet('{lake}/**/*.parquet', hive_partitioning = false)
  WINDOW w AS (PARTITION BY sensor ORDER BY measured_at)
), marked AS (
  SELECT *, x > {limit} AS is_out, coalesce(x0 > {limit}, false) AS was_out,
         ms0 + ({limit} - x0) / (x - x0) * (ms - ms0) AS crossing
  FROM pairs
), islands AS (
  SELECT *, sum(CASE WHEN is_out AND NOT was_out THEN 1 ELSE 0 END)
              OVER (PARTITION BY sensor ORDER BY ms) AS island
  FROM marked
), spans AS (
  SELECT sensor, min(CASE WHEN was_out THEN ms WHEN ms0 IS NULL THEN ms ELSE crossing END) AS start_at,
         max(CASE WHEN is_out THEN ms ELSE crossing END) AS end_at
  FROM islands WHERE is_out OR was_out GROUP BY sensor, island
), joined AS (
  -- touching the limit for an instant ends nothing: what ends where the next begins is one excursion
  SELECT *, sum(CASE WHEN start_at = before THEN 0 ELSE 1 END) OVER (PARTITION BY sensor ORDER BY start_at) AS excursion
  FROM (SELECT *, lag(end_at) OVER (PARTITION BY sensor ORDER BY start_at) AS before FROM spans WHERE end_at > start_at)
), excursions AS (
  SELECT (max(end_at) - min(start_at)) / 1000.0 AS seconds FROM joined GROUP BY sensor, excursion
)
SELECT count(*), count(*) FILTER (seconds >= {delay}), sum(seconds) FROM excursions
"""

best, answer = None, None
for _ in range(rounds):
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    began = time.perf_counter()
    answer = connection.execute(SQL).fetchone()
    took = time.perf_counter() - began
    best = took if best is None else min(best, took)
print(json.dumps({"excursions": answer[0], "fired": answer[1], "seconds_out": answer[2], "seconds": best}))
