"""Rows as Parquet: one row per image, its words, regions, labels or masks in a list."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from seetell.atomic_write import atomic_file
from seetell.bulk.row_log import Row
from seetell.errors import DataError

ROW_GROUP = 4096
"""Rows that are held in memory at once."""

_TEXT, _NUMBER = pa.string(), pa.float64()
_REGION = pa.struct({"text": _TEXT, "score": _NUMBER, "box": pa.list_(_NUMBER)})
_RLE = pa.struct({"size": pa.list_(pa.int64()), "counts": _TEXT})
_MASK = pa.struct(
    {
        "text": _TEXT,
        "score": _NUMBER,
        "share": _NUMBER,
        "box": pa.list_(_NUMBER),
        "index": pa.int64(),
        "rle": _RLE,
    }
)
_OF_SHAPE = {
    "text": {
        "caption": _TEXT,
        "confidence": _NUMBER,
        "kind": _TEXT,
        "logprob": _NUMBER,
        "words": pa.list_(pa.struct({"text": _TEXT, "logprob": _NUMBER})),
        "keywords": pa.list_(_TEXT),
        "reason": _TEXT,
    },
    "regions": {"regions": pa.list_(_REGION), "size": pa.list_(pa.int64()), "score": _NUMBER},
    "labels": {"labels": pa.list_(pa.struct({"text": _TEXT, "score": _NUMBER}))},
    "masks": {"masks": pa.list_(_MASK), "size": pa.list_(pa.int64())},
}
_MORE = "more"
"""The column of whatever else a row has, as a JSON object, so that all files of a task have the same columns."""


@dataclass(frozen=True)
class ParquetRows:
    """Files of Parquet.

    Args:
        shape: of the results.
        text_input: name of the text that goes with each image, or empty.
    """

    shape: str
    text_input: str = ""
    ending: ClassVar[str] = ".parquet"

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns, the same for every file."""
        text = {self.text_input: _TEXT} if self.text_input else {}
        of_shape = _OF_SHAPE.get(self.shape, {})
        return pa.schema({"image": _TEXT, **text, **of_shape, "model": _TEXT, "error": _TEXT, _MORE: _TEXT})

    def write(self, path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write a new file; see :class:`seetell.bulk.formats.Format`."""
        schema, left = self.schema, iter(rows)
        with (
            atomic_file(path, durable=True) as file,
            pq.ParquetWriter(file, schema, compression="zstd") as writer,
        ):
            while group := [self._columns(row, schema) for row in itertools.islice(left, ROW_GROUP)]:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))

    def read(self, path: Path, *, only_names: bool = False) -> Iterator[Row]:
        """Yield the rows of a file."""
        names = [name for name in ("image", self.text_input, "error") if name]
        try:
            with pq.ParquetFile(path) as file:
                if file.schema_arrow.names != self.schema.names:
                    raise ValueError(f"expected the columns {', '.join(self.schema.names)}")
                for batch in file.iter_batches(ROW_GROUP, columns=names if only_names else None):
                    for columns in batch.to_pylist():
                        more = json.loads(columns.pop(_MORE, None) or "{}")
                        yield {name: value for name, value in columns.items() if value is not None} | more
        except (pa.ArrowInvalid, ValueError) as error:
            raise DataError(f"{path}: is no file of rows that seetell wrote ({error})") from error

    def _columns(self, row: Mapping[str, Any], schema: pa.Schema) -> Row:
        columns: Row = {name: row.get(name) for name in schema.names}
        more = {name: value for name, value in row.items() if name not in columns}
        columns[_MORE] = json.dumps(more, ensure_ascii=False) if more else None
        for name, value in columns.items():  # names of files need not be text, and other texts repeat them
            if isinstance(value, str):
                columns[name] = value.encode(errors="backslashreplace").decode()
        return columns
