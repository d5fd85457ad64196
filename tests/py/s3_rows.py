"""Looks at the lake in a bucket with delta-rs. s3_rows.py ENDPOINT create: makes the bucket `lake`; s3_rows.py ENDPOINT
count: prints how many readings its table has."""

import sys

import boto3
import deltalake
import duckdb

endpoint, what = sys.argv[1:]
if what == "create":
    account = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=endpoint, **account).create_bucket(Bucket="lake")
else:
    options = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    actions = deltalake.DeltaTable("s3://lake/some/where/readings", storage_options=options).get_add_actions()
    query = "SELECT coalesce(sum(num_records), 0)::BIGINT FROM actions"
    print(duckdb.connect().execute(query).fetchone()[0])
