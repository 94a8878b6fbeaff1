"""Parquet fixtures with every compression and encoding that data sets use, and their rows as JSON.

    python tests/parity/parquet.py

Needs pyarrow (made with 26.0.1). Writes tests/fixtures/parquet/.
"""

import datetime
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "parquet"
SCHEMA = pa.schema([
    ("id", pa.int64()),
    ("question", pa.string()),
    ("answer", pa.string()),
    ("difficulty", pa.float64()),
    ("small", pa.int32()),
    ("right", pa.bool_()),
    ("prompt", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
    ("reward_model", pa.struct([("ground_truth", pa.string()), ("style", pa.string())])),
    ("generations", pa.list_(pa.string())),
    ("scores", pa.list_(pa.list_(pa.int32()))),
    ("nothing", pa.string()),
    ("when", pa.timestamp("us")),
    pa.field("name", pa.string(), nullable=False),
    pa.field("count", pa.int64(), nullable=False),
])


def row(i: int) -> dict:
    return dict(
        # Beyond 2^53 a number would not be exact, so that it becomes text.
        id=2**60 + i if i % 4 == 3 else i,
        question=f"What is {i}+{i}? " + "é日" * (i % 3),
        answer=None if i % 7 == 6 else str(2 * i),
        difficulty=i / 4,
        small=None if i % 5 == 4 else -i,
        right=None if i % 3 == 2 else i % 2 == 0,
        prompt=[dict(role="user", content=f"q{i}")],
        reward_model=None if i % 9 == 8 else dict(ground_truth=str(i), style=None),
        generations=None if i % 6 == 5 else [f"g{j}" for j in range(i % 4)],
        scores=[[j] * j for j in range(i % 3)],
        nothing=None,
        when=datetime.datetime(2024, 1, 1, 0, 0, i),
        name=f"n{i % 3}",
        count=i,
    )


def as_json(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if type(value) is int and abs(value) > 2**53 - 1:
        return str(value)
    return value


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [row(i) for i in range(40)]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    (FOLDER / "rows.json").write_text(json.dumps([as_json(r) for r in rows], ensure_ascii=False))

    def write(name: str, **options) -> None:
        pq.write_table(table, FOLDER / f"{name}.parquet", row_group_size=15, **options)

    for codec in ["NONE", "SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4"]:
        write(codec.lower(), compression=codec)
    # Several pages a column: also lists that go on from page to page.
    pages = dict(compression="SNAPPY", data_page_size=1, write_batch_size=4)
    write("pages", data_page_version="1.0", **pages)
    write("v2", data_page_version="2.0", **pages)
    write(
        "encodings",
        compression="ZSTD",
        data_page_version="2.0",
        use_dictionary=False,
        column_encoding={
            "id": "DELTA_BINARY_PACKED",
            "small": "DELTA_BINARY_PACKED",
            "question": "DELTA_BYTE_ARRAY",
            "answer": "DELTA_LENGTH_BYTE_ARRAY",
            "difficulty": "BYTE_STREAM_SPLIT",
            "right": "RLE",
        },
    )
    text = pa.Table.from_arrays([pa.array([b"ok", b"\xff\xfe"]).view(pa.binary())], names=["question"])
    invalid = pa.Table.from_arrays([text.column(0).combine_chunks().view(pa.string())], names=["question"])
    pq.write_table(invalid, FOLDER / "invalid_text.parquet")


if __name__ == "__main__":
    main()
