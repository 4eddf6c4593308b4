"""Embeddings with labels that somebody else made: what is wrong with them, without any item."""

import hashlib
import math
from dataclasses import replace

import numpy as np

from likewise.auditing import labels
from likewise.auditing.findings import Audit, Finding, count_words, evidence_of, worst_first
from likewise.auditing.margins import embedding_findings, spread_of
from likewise.distances.cosine import Cosine
from likewise.errors import EmptySource, SplitError
from likewise.precomputed import LARGEST, RawEmbeddings
from likewise.shapes import Array, Bool, Float, Int
from likewise.types import Items

MOST_COMPARED = 10_000
BY_CHANCE, NEAR, FEWEST_DIRECTIONS = 0.01, 0.05, 2
NO_DIRECTION = 1e-12
_BLOCK = 512


def audit_embeddings(given: RawEmbeddings, *, margin: float | None = None, seed: int = 0) -> Audit:
    """Find what is wrong with embeddings before anything is measured on them.

    Args:
        given: Of which some may not be finite.
        margin: To hold against their distances; None for none.
        seed: Where chance comes from.

    Raises:
        EmptySource: If fewer than two are finite.
        SplitError: If all show one identity.
        BadArgument: If the margin is not positive.
    """
    vectors = given.vectors
    drawn: list[str] = []
    finite = np.abs(vectors).max(1) <= LARGEST
    items = _items(given)
    found = _numbers(items, vectors, finite)
    if finite.sum() < 2:
        raise EmptySource(
            f"{given.place}: {int(finite.sum())} of the {len(vectors)} embeddings are of finite "
            "numbers, and two at the least are needed. Embed the items again."
        )
    items, vectors = items.take(np.flatnonzero(finite)), vectors[finite]
    names = np.unique(items.identities)
    if len(names) < 2:
        raise SplitError(
            f"{given.place}: all {len(items)} embeddings show {str(names[0])!r}, so that there is "
            "nothing to tell apart. Give those of two identities at the least."
        )
    compared = vectors
    if isinstance(given.distance, Cosine):
        compared, lost = _directions(vectors)
        found += _without_direction(items, lost)
        items, vectors, compared = (
            items.take(np.flatnonzero(~lost)), vectors[~lost], compared[~lost],
        )  # fmt: skip
    if len(items) > 1 and not spread_of(vectors).collapsed:
        digests = _digests(vectors)
        found += labels.same_content(items, digests, items.parts)
        sphere = isinstance(given.distance, Cosine)
        found += _near(items, compared, digests, seed, drawn, on_sphere=sphere)
    found += labels.sizes(items)
    if len(items) > 1:
        found += embedding_findings(
            vectors, items, given.distance, margin=margin, trained=True, given=True, seed=seed
        )
    return Audit(
        source=given.place,
        items=len(items),
        identities=len(np.unique(items.identities)),
        unit="identities",
        findings=worst_first(found),
        clues=(),
        sampled=tuple(drawn),
        noun="embedding",
    )


def _items(given: RawEmbeddings) -> Items:
    """A table with a row for each embedding, of which no item can be shown."""
    places = [f"{given.place}, row {row} (from 0)" for row in range(len(given.vectors))]
    items = Items.build(
        given.place, given.labels.tolist(), "vector", places, [given.place].__getitem__
    )
    return replace(items, rows=np.full(len(items), -1))


def _numbers(
    items: Items, vectors: Float[Array, "n dim"], finite: Bool[Array, "n"]
) -> list[Finding]:
    rows = np.flatnonzero(~finite)
    if not len(rows):
        return []
    evidence = []
    for row in rows[: labels.SHOWN].tolist():
        bad = vectors[row][~(np.abs(vectors[row]) <= LARGEST)]
        evidence.append(
            evidence_of(items, row, f"{items.identities[row]}: {len(bad)} such, {bad[0]:g}")
        )
    return [
        Finding(
            "not_a_number",
            "alarm",
            f"{count_words(len(rows), 'embedding holds', 'embeddings hold')} NaN, or a number "
            f"beyond float32, of {len(items):,}; left out of all below.",
            tuple(evidence),
            "Embed these items again, or leave them out.",
            {"items": float(len(rows))},
        )
    ]


def _directions(
    vectors: Float[Array, "n dim"],
) -> tuple[Float[Array, "n dim"], Bool[Array, "n"]]:
    """The vectors at length one, and which have no direction."""
    largest = np.abs(vectors).max(1)
    lost = largest < NO_DIRECTION
    scaled = vectors.astype(np.float64) / np.where(lost, 1, largest)[:, None]
    lengths = np.linalg.norm(scaled, axis=1)
    return scaled / np.where(lost, 1, lengths)[:, None], lost


def _without_direction(items: Items, lost: Bool[Array, "n"]) -> list[Finding]:
    rows = np.flatnonzero(lost)
    if not len(rows):
        return []
    return [
        Finding(
            "no_direction",
            "alarm",
            f"{count_words(len(rows), 'embedding is zero', 'embeddings are zero')}, which has "
            "no direction for cosine; left out of all below.",
            tuple(
                evidence_of(items, row, str(items.identities[row]))
                for row in rows[: labels.SHOWN].tolist()
            ),
            "Look why the encoder gave nothing for these items, or leave them out.",
            {"items": float(len(rows))},
        )
    ]


def _digests(vectors: Float[Array, "n dim"]) -> Int[Array, "n"]:
    """The same number for equal vectors."""
    rows = [hashlib.blake2b((row + 0.0).tobytes(), digest_size=16).digest() for row in vectors]
    _, codes = np.unique(np.array(rows, dtype="V16").view("S16"), return_inverse=True)
    return codes


def _near(
    items: Items,
    vectors: Float[Array, "n dim"],
    digests: Int[Array, "n"],
    seed: int,
    drawn: list[str],
    *,
    on_sphere: bool,
) -> list[Finding]:
    """Nearly equal vectors under two labels.

    Nearly is nearer than chance would bring any two: with n vectors in k directions the nearest of
    another label is below a share e of the usual with a chance of about log(2) e^k, so that e is
    the share at which n of them would show one such in a hundred files; and at most a twentieth.
    Where k is below 2 any number are near by chance, and nothing is said. On a sphere, where cosine
    compares, there is one direction less.
    """
    rows = np.arange(len(vectors))
    if len(rows) > MOST_COMPARED:
        rows = np.sort(np.random.default_rng(seed).permutation(len(rows))[:MOST_COMPARED])
        drawn.append(
            f"Nearly equal embeddings were looked for among {MOST_COMPARED:,} of {len(vectors):,}, "
            f"drawn by chance (seed {seed}); equal ones among all."
        )
    some = vectors[rows].astype(np.float64)
    codes = np.unique(items.identities[rows], return_inverse=True)[1]
    nearest, far = _nearest_others(some - some.mean(0), codes, digests[rows])
    known = np.isfinite(far)
    if not known.any():
        return []
    usual, freedom = float(np.median(far[known])), spread_of(some).rank - on_sphere
    if freedom < FEWEST_DIRECTIONS:
        return []
    share = min(NEAR, (BY_CHANCE / (len(rows) * math.log(2))) ** (1 / freedom))
    close = np.flatnonzero(known & (far <= share * usual))
    pairs = sorted({(min(a, b), max(a, b)) for a, b in zip(close, nearest[close], strict=True)})
    if not pairs:
        return []
    evidence = [
        evidence_of(items, int(rows[row]), str(items.identities[rows[row]]), number)
        for number, pair in enumerate(pairs[: labels.SHOWN])
        for row in pair
    ]
    return [
        Finding(
            "near_content_other_label",
            "alarm",
            f"{count_words(len(pairs), 'pair')} of embeddings under two labels, nearly equal: no "
            f"farther apart than a share of {share:.2g} of what is usual for the nearest of "
            "another label.",
            tuple(evidence),
            "Look at the items: the same may stand under two labels.",
            {"pairs": float(len(pairs)), "share": share},
        )
    ]


def _nearest_others(
    vectors: Float[Array, "n dim"], codes: Int[Array, "n"], digests: Int[Array, "n"]
) -> tuple[Int[Array, "n"], Float[Array, "n"]]:
    """The nearest vector of another label that is not equal, and how far it is."""
    squares = (vectors**2).sum(1)
    nearest = np.zeros(len(vectors), dtype=np.int64)
    for start in range(0, len(vectors), _BLOCK):
        part = slice(start, start + _BLOCK)
        apart = squares[part, None] + squares[None, :] - 2 * vectors[part] @ vectors.T
        other = codes[part, None] != codes[None, :]
        apart[~other | (digests[part, None] == digests[None, :])] = np.inf
        nearest[part] = apart.argmin(1)
    there = (codes[nearest] != codes) & (digests[nearest] != digests)
    far: Array = np.linalg.norm(vectors - vectors[nearest], axis=1)
    return nearest, np.where(there, far, np.inf)
