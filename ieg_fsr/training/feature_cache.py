"""Features of images by a frozen backbone, computed once and kept on disk.

There is one file for a backbone, `KEY.npz`, an ordinary NumPy archive: `key` [], the hash of the backbone's layers and
parameters; `digests` [n, 32], that of each image; `features` [n, D]. A changed image or parameter has another hash, and
is computed anew. The file appears whole or not at all.
"""

import hashlib
import json
import os
import pathlib
import time
import zipfile
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.pipeline.examples import chunks
from ieg_fsr.data.sources.image_source import ImageSource
from ieg_fsr.evaluation.evaluate import default_batch_size
from ieg_fsr.files import make_directory, write_whole

# Seconds of computing that a killed run may lose.
_KEPT_EVERY = 120.0
_DIGEST = hashlib.sha256().digest_size


def backbone_key(backbone: keras.Model) -> str:
    """Hash of what a network computes: its layers, how they are connected, and their parameters; not of their names."""
    places = {id(layer): place for place, layer in enumerate(backbone.layers)}
    found = hashlib.sha256()
    for layer in backbone.layers:
        config = {name: value for name, value in layer.get_config().items() if name != "name"}
        fed = [
            [places.get(id(one._keras_history.operation)) for one in node.input_tensors]
            for node in layer._inbound_nodes
        ]
        found.update(json.dumps([type(layer).__name__, config, fed], default=str).encode())
        for array in layer.get_weights():
            found.update(np.ascontiguousarray(array))
    return found.hexdigest()


def image_digests(source: ImageSource) -> np.ndarray:
    """Hash [N, 32], uint8, of each image of a source; of encoded ones that of the file, which is not decoded."""
    digests: np.ndarray = np.empty([len(source), _DIGEST], np.uint8)
    if isinstance(source, EncodedImages):
        for place, (item, orientation) in enumerate(zip(source.items, source.orientations, strict=True)):
            content = pathlib.Path(item).read_bytes() if source.in_files else item
            digests[place] = _digest(f"{source.image_size} {orientation} ", content)
        return digests
    for ids, images in chunks(source):
        head = f"{images.dtype} {images.shape[1:]} "
        for one, image in zip(ids, images, strict=True):
            digests[one] = _digest(head, np.ascontiguousarray(image).data)
    return digests


def cached_features(
    backbone: keras.Model,
    sources: Sequence[ImageSource],
    directory: str | os.PathLike,
    tell: Callable[[str], None] = print,
) -> list[np.ndarray]:
    """Features [N, D], float32, of all images of each source, those from the file that it has.

    Args:
        backbone: raw pixels [B, H, W, channels] to features [B, D].
        directory: of the files; made where it is not there.
        tell: receives a line where images are computed, and one where the file is not what it should be.

    Raises:
        UserError: the directory cannot be written to.
    """
    key = backbone_key(backbone)
    path = pathlib.Path(directory) / f"{key[:16]}.npz"
    make_directory(directory, "--features_dir")
    known = _read(path, key, backbone.output_shape[-1], tell)
    digests = [image_digests(source) for source in sources]
    lacking = sum(one.tobytes() not in known for part in digests for one in part)
    if lacking:
        total = sum(map(len, digests))
        tell(f"{lacking} of {total} images go through the frozen backbone once; their features are kept in {path}")
        started = kept = time.monotonic()
        forward = tf.function(lambda images: tf.cast(backbone(tf.cast(images, tf.float32), training=False), tf.float32))
        for source, part in zip(sources, digests, strict=True):
            size = min(default_batch_size(source), len(source))
            missing = np.array([place for place, one in enumerate(part) if one.tobytes() not in known], np.int64)
            for first in range(0, len(missing), size):
                ids = missing[first : first + size]
                # Every batch has one size: one trace, and a feature does not depend on how many are computed.
                images = source.images(np.resize(ids, size))
                features = forward(tf.constant(images)).numpy()[: len(ids)]
                known |= {part[one].tobytes(): row for one, row in zip(ids, features, strict=True)}
                if time.monotonic() - kept > _KEPT_EVERY:
                    _write(path, key, known)
                    kept = time.monotonic()
        _write(path, key, known)
        tell(f"features of {lacking} images in {time.monotonic() - started:.0f} s")
    return [np.stack([known[one.tobytes()] for one in part]) for part in digests]


def _digest(head: str, content: bytes | memoryview) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(head.encode() + bytes(content)).digest(), np.uint8)


def _write(path: pathlib.Path, key: str, known: dict[bytes, np.ndarray]) -> None:
    digests = np.frombuffer(b"".join(known), np.uint8).reshape(-1, _DIGEST)
    features = np.stack(list(known.values()))

    def write(place: str) -> None:
        with open(place, "wb") as file:
            np.savez(file, key=np.array(key), digests=digests, features=features)

    write_whole(path, write)


def _read(path: pathlib.Path, key: str, width: int, tell: Callable[[str], None]) -> dict[bytes, np.ndarray]:
    """What a file holds, by digest; nothing of one that is not there, not whole, or of another key."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            stored, digests, features = str(arrays["key"]), arrays["digests"], arrays["features"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        tell(f"{path} is damaged ({type(error).__name__}) and made anew")
        return {}
    whole = digests.dtype == np.uint8 and digests.shape == (len(features), _DIGEST)
    if stored != key or not whole or features.dtype != np.float32 or features.shape != (len(digests), width):
        tell(f"{path} is not of this backbone and made anew")
        return {}
    if not np.isfinite(features).all():
        tell(f"{path} is damaged (not finite) and made anew")
        return {}
    return {digest.tobytes(): row for digest, row in zip(digests, features, strict=True)}
