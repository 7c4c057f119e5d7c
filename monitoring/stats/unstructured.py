"""Unstructured inputs: images, texts and embeddings as a few named features.

This module needs NumPy and nothing else of this project: a client may import or copy it, compute
the features where the inputs are, and send only these. Features are ordinary numeric and
categorical fields; one that cannot be computed is None (null).

Definitions
    Image        H x W or H x W x C, 8 bits or flags, C = 1 (grey), 2 (grey, alpha), 3 (RGB) or
                 4 (RGB, alpha); alpha is ignored. Luminance Y = 0.299 R + 0.587 G + 0.114 B in
                 0..255; brightness: mean of Y / 255; contrast: standard deviation of Y / 255;
                 sharpness: variance of the Laplacian of Y (four neighbours, edges reflected);
                 aspect: width / height. Sums are of integers, so every machine gets the same bits.
    Text         characters and words; shares of letters, digits and punctuation among characters
                 and of upper case among letters; language by script, else by very common words,
                 "" when unsure; share of words that a vocabulary of the reference lacks.
    Embedding    norm; cosine with the reference's mean; projections on 16 fixed orthonormal random
                 directions, drawn from a seed. Distances of projections stand for distances of
                 embeddings.

Example
    >>> describe_image("photo", np.zeros((2, 4), np.uint8))["photo.aspect"]
    2.0
    >>> describe_text("note", "The cat is on the mat and it is asleep.")["note.language"]
    'en'

Source
    ITU-R BT.601 on luminance; Pech-Pacheco et al. (2000), ICPR, on the variance of the Laplacian;
    Johnson and Lindenstrauss (1984), Contemporary Mathematics 26:189, on random projections.
"""

import base64
import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = dict[str, float | int | str | None]
Floats = NDArray[np.float64]

IMAGE = ("brightness", "contrast", "sharpness", "width", "height", "channels", "aspect")
TEXT = (
    "characters",
    "words",
    "letters",
    "digits",
    "upper",
    "punctuation",
    "language",
    "unknown_words",
)
CATEGORICAL = frozenset({"language"})
DIRECTIONS = 16
LUMINANCE = (299, 587, 114)  # thousandths
FORMAT = 1
MOST_WORDS = 100_000
LOOKED_AT = 20_000  # characters by which language is told
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")  # noqa: RUF001  the typographic apostrophe is meant

SCRIPTS = {
    "GREEK": "el",
    "HEBREW": "he",
    "THAI": "th",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "CJK": "zh",
}
COMMON_WORDS = {
    "en": "the of and to in is that it was for with as on be this are not have you from",
    "de": "der die und das ist nicht ein eine mit den von zu auf für im dem sich auch wird ich",
    "fr": "le la les des et est une dans pour que qui pas sur au avec ce il plus nous vous",
    "es": "el la los las y es una que en por con para del se no su lo como más pero",
    "it": "il la di che è e un una per non con del della sono si le gli nel anche più",
    "pt": "o a os as e é um uma que não para com do da em por se mais dos na",
    "nl": "de het een en van is dat niet op te zijn met voor aan er die ook maar bij wordt",
    "sv": "och att det som en är på för av inte med den till ett har jag om de var men",
    "da": "og at det som en er på for af ikke med den til et har jeg om de var men",
    "pl": "i w na z nie się że jest do to jak ale po co za od przez dla tego są",
    "cs": "a se v na je že s z do to o i jako za ale by pro jsem jsou které",
    "fi": "ja on ei se että oli hän mutta kun niin ovat myös joka tai jos mitä minä sen ole voi",
    "ru": "и в не на что с он как это по но из за от так для же было бы мы",  # noqa: RUF001  Cyrillic is meant
    "uk": "і в не на що з він як це по але та за від так для його є ми які",  # noqa: RUF001  Cyrillic is meant
}
LEAST_WORDS = 4
LEAST_SHARE = 0.12
LEAD = 1.25


@dataclass(frozen=True)
class Vocabulary:
    """The words of reference texts as 32-bit hashes in increasing order; no word can be read."""

    hashes: tuple[int, ...]

    @cached_property
    def known(self) -> frozenset[int]:
        """The hashes as a set."""
        return frozenset(self.hashes)

    def __contains__(self, word: str) -> bool:
        return _hash(word) in self.known

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        packed = np.array(self.hashes, "<u4").tobytes()
        return {"format": FORMAT, "hashes": base64.b64encode(packed).decode()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Vocabulary":
        """Return the vocabulary that `as_json` wrote; ValueError for another format."""
        if plain.get("format") != FORMAT:
            raise ValueError(f"Vocabulary format {plain.get('format')!r} is not {FORMAT}.")
        packed = base64.b64decode(plain["hashes"], validate=True)
        return cls(tuple(np.frombuffer(packed, "<u4").tolist()))


def image_fields(field: str) -> dict[str, str]:
    """Return the features of an image field and their kinds, to declare them in a schema."""
    return _kinds(field, IMAGE)


def text_fields(field: str) -> dict[str, str]:
    """Return the features of a text field and their kinds."""
    return _kinds(field, TEXT)


def embedding_fields(field: str, directions: int = DIRECTIONS) -> dict[str, str]:
    """Return the features of an embedding field and their kinds."""
    return _kinds(field, ("norm", "cosine", *(f"p{place:02d}" for place in range(directions))))


def describe_image(field: str, pixels: NDArray[Any] | None) -> Features:
    """Return the features of one decoded image; None for what its shape or type does not give."""
    found: Features = dict.fromkeys(image_fields(field))
    if pixels is None or pixels.ndim not in {2, 3} or 0 in pixels.shape:
        return found
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    sizes = {"width": width, "height": height, "channels": channels, "aspect": width / height}
    found |= {f"{field}.{name}": value for name, value in sizes.items()}
    light = _luminance(pixels, channels)
    if light is not None:
        mean, variance = _moments(light)
        found[f"{field}.brightness"] = mean / 255_000
        found[f"{field}.contrast"] = math.sqrt(variance) / 255_000
        found[f"{field}.sharpness"] = _moments(_laplacian(light))[1] / 1_000_000
    return found


def describe_text(field: str, text: str | None, vocabulary: Vocabulary | None = None) -> Features:
    """Return the features of one text; shares of nothing, and of no vocabulary, are None."""
    found: Features = dict.fromkeys(text_fields(field))
    if text is None:
        return found
    words = words_of(text)
    letters = _count(text, str.isalpha)
    values: Features = {
        "characters": len(text),
        "words": len(words),
        "letters": _share(letters, len(text)),
        "digits": _share(_count(text, str.isdigit), len(text)),
        "upper": _share(_count(text, str.isupper), letters),
        "punctuation": _share(_count(text, _is_punctuation), len(text)),
        "language": language(text),
        "unknown_words": None if vocabulary is None else unknown_share(words, vocabulary),
    }
    return found | {f"{field}.{name}": value for name, value in values.items()}


def describe_embedding(
    field: str,
    vector: NDArray[Any] | None,
    *,
    dimension: int,
    mean: NDArray[Any] | None = None,
    directions: int = DIRECTIONS,
    seed: int = 0,
) -> Features:
    """Return the features of one embedding of the declared dimension; None where it is another.

    `mean` is the reference's mean (`mean_embedding`). Fewer dimensions than directions leave the
    further projections None.
    """
    found: Features = dict.fromkeys(embedding_fields(field, directions))
    point = None if vector is None else _point(vector, dimension)
    if point is None:
        return found
    norm = math.sqrt(float(np.square(point).sum()))
    found[f"{field}.norm"] = norm if math.isfinite(norm) else None
    found[f"{field}.cosine"] = None if mean is None else _cosine(point, _point(mean, dimension))
    matrix = projection(dimension, directions, seed)
    for place, value in enumerate((matrix * point).sum(axis=1).tolist()):
        found[f"{field}.p{place:02d}"] = value if math.isfinite(value) else None
    return found


def mean_embedding(vectors: NDArray[Any]) -> Floats:
    """Return the mean of embeddings, shape (n, d) -> (d,), without those that are not finite."""
    points = np.asarray(vectors, np.float64)
    kept = points[np.isfinite(points).all(axis=1)]
    mean: Floats = kept.mean(axis=0) if kept.size else np.zeros(points.shape[1])
    return mean


@lru_cache(maxsize=16)
def projection(dimension: int, directions: int = DIRECTIONS, seed: int = 0) -> Floats:
    """Return orthonormal random directions, shape (min(directions, dimension), dimension).

    Read-only. Drawn from the raw bits of PCG64, whose stream NumPy keeps fixed, as sums of twelve
    uniform numbers (nearly normal), then made orthonormal by Gram and Schmidt, twice.
    """
    rows = min(directions, dimension)
    bits = np.random.PCG64(seed).random_raw(rows * dimension * 12)
    uniform = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
    matrix: Floats = uniform.reshape(rows, dimension, 12).sum(axis=2) - 6
    for row in range(rows):
        for _ in range(2):
            for earlier in range(row):
                matrix[row] -= (matrix[row] * matrix[earlier]).sum() * matrix[earlier]
        matrix[row] /= math.sqrt(float(np.square(matrix[row]).sum()))
    matrix.setflags(write=False)
    return matrix


def vocabulary(texts: Iterable[str], *, least: int = 1, most: int = MOST_WORDS) -> Vocabulary:
    """Return the words that occur at least `least` times, at most the `most` frequent ones."""
    tally: Counter[str] = Counter()
    for text in texts:
        tally.update(words_of(text))
    often = sorted((word for word in tally if tally[word] >= least), key=lambda w: (-tally[w], w))
    return Vocabulary(tuple(sorted({_hash(word) for word in often[:most]})))


def unknown_share(words: list[str], known: Vocabulary) -> float | None:
    """Return the share of words that the vocabulary lacks; None of no words."""
    return _share(sum(word not in known for word in words), len(words))


def words_of(text: str) -> list[str]:
    """Return the words in one spelling: composed characters, no difference of case."""
    return WORD.findall(unicodedata.normalize("NFC", text).casefold())


def language(text: str) -> str:
    """Return the ISO 639-1 code of a text's language, "" when unsure."""
    head = text[:LOOKED_AT]
    return _by_script(head) or _by_words(words_of(head))


def _by_script(text: str) -> str:
    letters = [letter for letter in text if letter.isalpha() and letter > "\u024f"]
    if len(letters) < 2 or 2 * len(letters) < _count(text, str.isalpha):
        return ""
    tally = Counter(SCRIPTS.get(_script(letter), "") for letter in letters)
    if tally["ja"] * 10 >= len(letters):  # Japanese mixes kana with Chinese characters
        return "ja"
    best, count = tally.most_common(1)[0]
    return best if 2 * count > len(letters) else ""


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0].split("-")[0]


def _by_words(words: list[str]) -> str:
    tally = Counter(words)
    scores = {code: sum(tally[word] for word in common) for code, common in _COMMON.items()}
    (best, most), (_, second) = Counter(scores).most_common(2)
    sure = len(words) >= LEAST_WORDS and most >= 2 and most >= LEAST_SHARE * len(words)
    return best if sure and most >= LEAD * second else ""


_COMMON = {code: frozenset(words.split()) for code, words in COMMON_WORDS.items()}


def _luminance(pixels: NDArray[Any], channels: int) -> NDArray[np.int64] | None:
    """Return thousandths of luminance, shape (H, W); None where these are no 8-bit channels."""
    if pixels.dtype not in (np.uint8, np.bool_) or channels > 4:
        return None
    scale = 255 if pixels.dtype == np.bool_ else 1
    planes = pixels.reshape(*pixels.shape[:2], channels)
    if channels < 3:
        return planes[..., 0].astype(np.int64) * (1_000 * scale)
    light = np.zeros(pixels.shape[:2], np.int64)
    for place, weight in enumerate(LUMINANCE):
        light += planes[..., place].astype(np.int64) * (weight * scale)
    return light


def _laplacian(light: NDArray[np.int64]) -> NDArray[np.int64]:
    padded = np.pad(light, 1, mode="edge")
    upright = padded[:-2, 1:-1] + padded[2:, 1:-1]
    return upright + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * light


def _moments(values: NDArray[np.int64]) -> tuple[float, float]:
    """Return mean and variance; rows are summed in 64 bits, and the rows' sums without limit."""
    n, total = values.size, sum(values.sum(axis=1).tolist())
    squares = sum(np.square(values).sum(axis=1).tolist())
    return total / n, (n * squares - total * total) / (n * n)


def _point(vector: NDArray[Any], dimension: int) -> Floats | None:
    try:
        point = np.asarray(vector, np.float64)
    except (TypeError, ValueError):
        return None
    return point if point.shape == (dimension,) and np.isfinite(point).all() else None


def _cosine(point: Floats, mean: Floats | None) -> float | None:
    if mean is None:
        return None
    size = math.sqrt(float(np.square(point).sum()) * float(np.square(mean).sum()))
    cosine = float((point * mean).sum()) / size if size > 0 else math.nan
    return min(1.0, max(-1.0, cosine)) if math.isfinite(cosine) else None


def _kinds(field: str, names: Iterable[str]) -> dict[str, str]:
    return {
        f"{field}.{name}": "categorical" if name in CATEGORICAL else "numeric" for name in names
    }


def _count(text: str, test: Callable[[str], bool]) -> int:
    return sum(map(test, text))


def _is_punctuation(letter: str) -> bool:
    return unicodedata.category(letter).startswith("P")


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(errors="replace"), digest_size=4).digest())
