"""As much of the protobuf wire format as TensorBoard's scalars need, and of its messages.

Wire format: https://protobuf.dev/programming-guides/encoding. Messages: TensorFlow's `event.proto`,
`summary.proto`, `tensor.proto` and `types.proto`; the numbers of the fields are below.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

EVENT_TIME, EVENT_STEP, EVENT_VERSION, EVENT_SUMMARY = 1, 2, 3, 5
SUMMARY_VALUE = 1
VALUE_TAG, VALUE_SIMPLE, VALUE_TENSOR, VALUE_METADATA = 1, 2, 8, 9
METADATA_PLUGIN, PLUGIN_NAME = 1, 1
TENSOR_TYPE, TENSOR_SHAPE, TENSOR_CONTENT = 1, 2, 4
SHAPE_DIM, DIM_SIZE = 2, 1

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

_TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"), 2: np.dtype("<f8"), 3: np.dtype("<i4"), 4: np.dtype("u1"),
    5: np.dtype("<i2"), 6: np.dtype("i1"), 9: np.dtype("<i8"), 10: np.dtype("?"),
    19: np.dtype("<f2"), 22: np.dtype("<u4"), 23: np.dtype("<u8"),
}  # fmt: skip
"""`DataType` of a tensor's content."""

_LISTS = {5: FIXED32, 6: FIXED64, 7: VARINT, 10: VARINT, 11: VARINT, 13: VARINT, 16: VARINT,
          17: VARINT}  # fmt: skip
"""Fields of `TensorProto` that hold values one by one: float, double, int, int64, bool, half,
uint32, uint64."""


class Malformed(ValueError):
    """The bytes are no message."""


@dataclass(frozen=True)
class Scalar:
    """A value of an event: its tag and number."""

    tag: str
    value: float


@dataclass(frozen=True)
class Event:
    """An event: unix seconds, step, its scalars; `other` counts the values that are none."""

    time: float
    step: int
    scalars: tuple[Scalar, ...] = ()
    other: tuple[str, ...] = ()


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at a byte, and where the next begins."""
    result = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Malformed("a number does not end")
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, int, bytes | int]]:
    """The fields of a message: number, wire type, and the number (varints) or the bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = varint(data, at)
            yield key >> 3, kind, value
            continue
        if kind == LENGTH:
            size, at = varint(data, at)
        elif kind == FIXED64:
            size = 8
        elif kind == FIXED32:
            size = 4
        else:
            raise Malformed(f"a field of wire type {kind}")
        if at + size > end:
            raise Malformed("a field is longer than its message")
        yield key >> 3, kind, data[at : at + size]
        at += size


def event(data: bytes, tensors: set[str]) -> Event:
    """An event. `tensors` are the tags that hold tensors which are no scalars (histograms of a
    newer kind, texts, curves); those that tell so are added. Raises Malformed."""
    time, step = 0.0, 0
    scalars: list[Scalar] = []
    other: list[str] = []
    for number, kind, value in fields(data):
        if number == EVENT_TIME and kind == FIXED64:
            time = struct.unpack("<d", _bytes(value))[0]
        elif number == EVENT_STEP and kind == VARINT:
            step = _signed(value)
        elif number == EVENT_SUMMARY and kind == LENGTH:
            for inner, inner_kind, found in fields(_bytes(value)):
                if inner == SUMMARY_VALUE and inner_kind == LENGTH:
                    _value(_bytes(found), tensors, scalars, other)
    return Event(time, step, tuple(scalars), tuple(other))


def _value(data: bytes, tensors: set[str], scalars: list[Scalar], other: list[str]) -> None:
    tag = ""
    number: float | None = None
    tensor: bytes | None = None
    for field, kind, found in fields(data):
        if field == VALUE_TAG and kind == LENGTH:
            tag = _bytes(found).decode("utf-8", "replace")
        elif field == VALUE_SIMPLE and kind == FIXED32:
            number = struct.unpack("<f", _bytes(found))[0]
        elif field == VALUE_TENSOR and kind == LENGTH:
            tensor = _bytes(found)
        elif field == VALUE_METADATA and kind == LENGTH:
            plugin = _plugin(_bytes(found))
            if plugin not in ("", "scalars"):
                tensors.add(tag)
    if number is None and tensor is not None and tag not in tensors:
        number = _single(tensor)
    if number is None:
        other.append(tag)
    else:
        scalars.append(Scalar(tag, number))


def _plugin(metadata: bytes) -> str:
    for field, kind, found in fields(metadata):
        if field == METADATA_PLUGIN and kind == LENGTH:
            for inner, inner_kind, name in fields(_bytes(found)):
                if inner == PLUGIN_NAME and inner_kind == LENGTH:
                    return _bytes(name).decode("utf-8", "replace")
    return ""


def _single(tensor: bytes) -> float | None:
    """The number of a tensor that holds one; None for another."""
    type_, content, value, count = 0, b"", None, 1
    for field, kind, found in fields(tensor):
        if field == TENSOR_TYPE and kind == VARINT:
            type_ = int(found) if isinstance(found, int) else 0
        elif field == TENSOR_CONTENT and kind == LENGTH:
            content = _bytes(found)
        elif field == TENSOR_SHAPE and kind == LENGTH:
            count = _count(_bytes(found))
        elif field in _LISTS:
            value = _listed(field, kind, found, type_)
    if count != 1:
        return None
    if content:
        dtype = _TYPES.get(type_)
        if dtype is None or len(content) != dtype.itemsize:
            return None
        return float(np.frombuffer(content, dtype)[0])
    return value


def _count(shape: bytes) -> int:
    count = 1
    for field, kind, dim in fields(shape):
        if field == SHAPE_DIM and kind == LENGTH:
            size = 0
            for inner, inner_kind, found in fields(_bytes(dim)):
                if inner == DIM_SIZE and inner_kind == VARINT:
                    size = _signed(found)
            count *= size
    return count


def _listed(field: int, kind: int, found: bytes | int, type_: int) -> float | None:
    """The one value of a list of values, packed or not."""
    if kind == LENGTH and _LISTS[field] == VARINT:
        data = _bytes(found)
        found, at = varint(data, 0)
        if at != len(data):
            return None
    if isinstance(found, int):
        if field == 13:  # the bits of a half, or of a bfloat16
            bits = np.array([found], np.uint16)
            if type_ == 14:
                return float((bits.astype(np.uint32) << np.uint32(16)).view(np.float32)[0])
            return float(bits.view(np.float16)[0])
        return float(found if field in (16, 17) else _signed(found))
    size, form = (4, "<f") if _LISTS[field] == FIXED32 else (8, "<d")
    return float(struct.unpack(form, found)[0]) if len(found) == size else None


def _signed(value: bytes | int) -> int:
    if not isinstance(value, int):
        raise Malformed("bytes where a number should be")
    return value - (1 << 64) if value >= 1 << 63 else value


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise Malformed("a number where bytes should be")
    return value
