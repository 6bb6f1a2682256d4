"""Damage done to the bytes of a file."""

import pathlib

import numpy as np

from launch.fuzz.cases import pick


def damaged(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Other bytes, and what was done to them."""
    name = pick(rng, tuple(_DAMAGE))
    return _DAMAGE[name](content, rng), name


def damage_file(path: pathlib.Path, rng: np.random.Generator) -> str:
    """Damages a file where it is; returns what was done."""
    content, about = damaged(path.read_bytes(), rng)
    path.write_bytes(content)
    return f"{path.name} {about}"


def _place(content: bytes, rng: np.random.Generator) -> int:
    return int(rng.integers(len(content))) if content else 0


def _truncated(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: _place(content, rng)]


def _flipped(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 20)) if content else 0):
        changed[_place(content, rng)] ^= int(rng.integers(1, 256))
    return bytes(changed)


def _header_flipped(content: bytes, rng: np.random.Generator) -> bytes:
    return _flipped(content[:200], rng) + content[200:]


def _end_flipped(content: bytes, rng: np.random.Generator) -> bytes:
    return content[:-200] + _flipped(content[-200:], rng)


def _zeroed(content: bytes, rng: np.random.Generator) -> bytes:
    start = _place(content, rng)
    length = min(int(rng.integers(1, 5000)), len(content) - start)
    return content[:start] + bytes(length) + content[start + length :]


def _repeated(content: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted((_place(content, rng), _place(content, rng)))
    return content[:end] + content[start:]


def _cut_out(content: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted((_place(content, rng), _place(content, rng)))
    return content[:start] + content[end:]


_DAMAGE = {
    "truncated": _truncated,
    "bytes flipped": _flipped,
    "bytes of the header flipped": _header_flipped,
    "bytes of the end flipped": _end_flipped,
    "a block zeroed": _zeroed,
    "a block repeated": _repeated,
    "a block cut out": _cut_out,
    "emptied": lambda content, rng: b"",
    "replaced by random bytes": lambda content, rng: rng.bytes(int(rng.integers(1, 3000))),
    "replaced by zeros": lambda content, rng: bytes(len(content)),
    "replaced by a text": lambda content, rng: b"hello\nworld\n",
    "replaced by HTML": lambda content, rng: b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "with bytes behind its end": lambda content, rng: content + rng.bytes(int(rng.integers(1, 500))),
}
