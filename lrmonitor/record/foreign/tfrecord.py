"""TFRecord, the framing of TensorBoard's event files.

A record is: its length (uint64), the masked CRC of those 8 bytes (uint32), the data, the masked
CRC of the data (uint32), all little-endian. The CRC is CRC-32C (Castagnoli, RFC 3720 appendix
B.4); masked is ((crc >> 15) | (crc << 17)) + 0xa282ead8, as TensorFlow's `record_writer` says.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Sums = npt.NDArray[np.uint32]

HEADER = 12
FOOTER = 4

CHECKED = 1 << 16
"""Data longer than this is not checked: a scalar has some ten bytes; images and graphs, which have
more, are passed over."""

_MASK = np.uint32(0xA282EAD8)


def _table() -> Sums:
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = np.where(crc & 1, (crc >> np.uint32(1)) ^ np.uint32(0x82F63B78), crc >> np.uint32(1))
    return crc.astype(np.uint32)


_TABLE = _table()


def crc32c(rows: Bytes) -> Sums:
    """CRC-32C of each row of a (n, length) array of bytes, shape (n,)."""
    crc = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in rows.T:
        crc = _TABLE[(crc ^ column) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return crc ^ np.uint32(0xFFFFFFFF)


def masked(crc: Sums) -> Sums:
    """The CRC as it stands in the file."""
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + _MASK


def framed(data: bytes) -> bytes:
    """One record."""
    return frame_rows(np.frombuffer(data, np.uint8).reshape(1, -1)).tobytes()


def frame_rows(rows: Bytes) -> Bytes:
    """Records of data of one length: (n, length) bytes become (n, length + 16)."""
    count, length = rows.shape
    head = np.frombuffer(struct.pack("<Q", length), np.uint8)
    result = np.empty((count, length + HEADER + FOOTER), np.uint8)
    result[:, :8] = head
    result[:, 8:12] = masked(crc32c(head.reshape(1, -1))).astype("<u4").view(np.uint8)
    result[:, 12:-4] = rows
    result[:, -4:] = masked(crc32c(rows)).astype("<u4").view(np.uint8).reshape(count, 4)
    return result


def sound(data: Sequence[bytes], sums: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Whether each piece of data has the masked CRC that is told of it, shape (n,)."""
    result = np.ones(len(data), bool)
    lengths = np.array([len(d) for d in data])
    told = np.array(sums, np.uint32)
    for length in np.unique(lengths[lengths <= CHECKED]):
        which = np.flatnonzero(lengths == length)
        rows = np.frombuffer(b"".join(data[i] for i in which.tolist()), np.uint8).reshape(
            len(which), -1
        )
        result[which] = masked(crc32c(rows)) == told[which]
    return result


class Corrupt(Exception):
    """From this byte of the piece on nothing can be read: a length has the wrong CRC."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def split(piece: bytes) -> tuple[list[tuple[int, bytes, int]], int]:
    """The whole records at the start of a piece: (offset, data, told CRC of it); and how many bytes
    they take. Raises Corrupt if the first of them has no sound length; where a later one has none,
    those before are given."""
    found: list[tuple[int, bytes, int]] = []
    at = 0
    while at + HEADER <= len(piece):
        length, told = struct.unpack_from("<QI", piece, at)
        if int(_masked_of(piece[at : at + 8])) != told:
            if found:
                break
            raise Corrupt(at)
        end = at + HEADER + length
        if end + FOOTER > len(piece):
            break
        found.append((at, piece[at + HEADER : end], struct.unpack_from("<I", piece, end)[0]))
        at = end + FOOTER
    return found, at


_LENGTHS: dict[bytes, int] = {}


def _masked_of(head: bytes) -> int:
    """The masked CRC of a length; there are few lengths in a file."""
    known = _LENGTHS.get(head)
    if known is None:
        if len(_LENGTHS) > 4096:
            _LENGTHS.clear()
        row = np.frombuffer(head, np.uint8).reshape(1, -1)
        known = _LENGTHS[head] = int(masked(crc32c(row))[0])
    return known
