"""What a model learned from, as salted hashes, so that a leak is noticed.

A rate that is measured on what a model learned from promises nothing. The hashes tell whether an
identity or an item was there without telling what was there. Names can be guessed, so that each
guess is made to cost: a third of a millisecond and 128 KB, where 10,000 names must take 5 seconds
at most. That does not keep a name secret from who has a list of a million.

References:
    Percival, "Stronger Key Derivation via Sequential Memory-Hard Functions", 2009: scrypt.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Literal

import numpy as np

from likewise.errors import BadArgument, DamagedModel, Leak
from likewise.io.cores import cores
from likewise.shapes import Array
from likewise.types import Claim, Items, Role

REMEMBERED = (Role.TRAIN, Role.SELECT, Role.CALIBRATE)
FORBIDDEN = {"evaluate": REMEMBERED, "calibrate": (Role.TRAIN, Role.SELECT)}
"""Purpose → the roles whose data must not be used for it."""
NAME_COST = 128
"""The N of scrypt (r 8, p 1) by which names are hashed."""
SHOWN = 10
# Nine would do; empty lists by the million would fill the memory.
MOST_BRACKETS = 100
_HASH = re.compile(r"[0-9a-f]{16}")
_SALT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class LeakageRecord:
    """Salted hashes of the identities and items that a model learned from.

    Attributes:
        claim: What the model's rates are a promise about; under `known_classes` the identities are
            the same by intention, and only items can leak.
        salt: 32 random hex digits, so that hashes of two models cannot be compared.
        cost: The N of scrypt by which names are hashed; 0 for one SHA-256, as the version before
            did.
        identities: Role → hashes of namespace and label.
        items: Role → hashes of the decoded arrays, so that a re-packed copy is noticed.
    """

    claim: Claim
    salt: str
    identities: Mapping[str, frozenset[str]]
    items: Mapping[str, frozenset[str]]
    cost: int = NAME_COST

    @property
    def is_private(self) -> bool:
        """Whether it keeps no names, although there were items."""
        return any(self.items.values()) and not any(self.identities.values())

    def without_names(self) -> "LeakageRecord":
        """The same without the identities; an item that was learned from is still noticed."""
        return replace(self, identities=dict.fromkeys(self.identities, frozenset()))

    @classmethod
    def of(
        cls, claim: Claim, roles: Mapping[Role, tuple[Items, Iterable[Array]]]
    ) -> "LeakageRecord":
        """Remember the items of the roles train, select and calibrate; others are passed over.

        Args:
            claim: Of the split.
            roles: Role → its items, and their decoded arrays row for row.

        Raises:
            BadArgument: If there are more or fewer arrays than items.
        """
        salt = os.urandom(16).hex()
        identities, items = {}, {}
        for role in REMEMBERED:
            if role in roles:
                table, decoded = roles[role]
                identities[role.value] = frozenset(_identities(salt, table, NAME_COST).values())
                items[role.value] = frozenset(_items(salt, table, decoded))
        return cls(claim, salt, identities, items)

    def and_calibrated(self, items: Items, decoded: Iterable[Array]) -> "LeakageRecord":
        """The same, and these items beside those that calibrated before.

        Raises:
            BadArgument: If there are more or fewer arrays than items.
        """
        role = Role.CALIBRATE.value
        named = {} if self.is_private else _identities(self.salt, items, self.cost)
        new = frozenset(named.values())
        arrays = frozenset(_items(self.salt, items, decoded))
        none: frozenset[str] = frozenset()
        return replace(
            self,
            identities={**self.identities, role: self.identities.get(role, none) | new},
            items={**self.items, role: self.items.get(role, none) | arrays},
        )

    def to_json(self) -> bytes:
        """The same as JSON."""
        table = {
            "claim": self.claim.value,
            "salt": self.salt,
            **({"cost": self.cost} if self.cost else {}),
            "identities": {role: sorted(hashes) for role, hashes in self.identities.items()},
            "items": {role: sorted(hashes) for role, hashes in self.items.items()},
        }
        return json.dumps(table, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "LeakageRecord":
        """Read what `to_json` wrote.

        Raises:
            DamagedModel: If it did not write that.
        """
        if data.count(b"[") + data.count(b"{") > MOST_BRACKETS:
            raise _damaged("is nested in another way than it was written")
        try:
            table = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise _damaged(f"is no JSON ({str(error)[:100]})") from error
        keys = ("claim", "salt", "identities", "items")
        if not isinstance(table, dict) or not {*keys} <= {*table} <= {*keys, "cost"}:
            raise _damaged(f"does not hold exactly {', '.join(keys)}")
        cost = table.get("cost", 0)
        if cost not in (0, NAME_COST) or isinstance(cost, bool):
            raise _damaged(f"hashes names at a cost of {str(cost)[:40]}, which is not known here")
        if table["claim"] not in list(Claim):
            raise _damaged(f"has a claim that is none of {', '.join(Claim)}")
        if not isinstance(table["salt"], str) or not _SALT.fullmatch(table["salt"]):
            raise _damaged("has a salt that is not 32 hex digits")
        identities = _hashes(table["identities"], "identities")
        items = _hashes(table["items"], "items")
        if identities.keys() != items.keys():
            raise _damaged("has other roles under identities than under items")
        return cls(Claim(table["claim"]), table["salt"], identities, items, cost)

    def trained(self, items: Items) -> list[str]:
        """The identities among these that the model was trained on."""
        past = self.identities.get(Role.TRAIN.value, frozenset())
        return [name for name, digest in self._named(items).items() if digest in past]

    def _named(self, items: Items) -> dict[str, str]:
        """Label → hash; nothing is hashed where no name is kept to compare with."""
        if not any(self.identities.values()):
            return {}
        return _identities(self.salt, items, self.cost)

    def check(
        self,
        items: Items,
        decoded: Iterable[Array],
        *,
        purpose: Literal["evaluate", "calibrate"],
    ) -> None:
        """Refuse data that the model learned from.

        Args:
            items: What is to be measured on.
            decoded: Their decoded arrays, row for row.
            purpose: Evaluating must not touch what trained, selected or calibrated; calibrating
                must not touch what trained or selected.

        Raises:
            Leak: Naming what overlaps.
            BadArgument: If there are more or fewer arrays than items.
        """
        known = {} if self.claim is Claim.KNOWN_CLASSES else self._named(items)
        hashes = _items(self.salt, items, decoded)
        found = []
        for role in (role.value for role in FORBIDDEN[purpose]):
            past = self.identities.get(role, frozenset())
            labels = [label for label, digest in known.items() if digest in past]
            past = self.items.get(role, frozenset())
            rows = [row for row, digest in enumerate(hashes) if digest in past]
            if labels or rows:
                found.append(_overlap(role, labels, [str(items.places[row]) for row in rows]))
        if found:
            total = f"{len(known)} identities and " if known else ""
            raise Leak(
                f"cannot {purpose} on data that the model learned from: of {total}{len(hashes)} "
                f"items in {items.namespace!r}, {'; '.join(found)}. Leave these out, or use "
                "--allow-overlap (allow_overlap=True) and trust no rate."
            )


def _identities(salt: str, items: Items, cost: int) -> dict[str, str]:
    """Label → hash; an item without a label says nothing about who it shows."""
    labels = sorted({str(label) for label in items.identities} - {""})
    # A name of a file need not be valid Unicode.
    names = [f"{items.namespace}/{label}".encode(errors="surrogatepass") for label in labels]
    if not cost:
        return dict(zip(labels, (_digest(salt, name) for name in names), strict=True))
    with ThreadPoolExecutor(cores()) as pool:  # scrypt gives the interpreter free
        hashed = pool.map(partial(_costly, salt, cost), names, chunksize=64)
        return dict(zip(labels, hashed, strict=True))


@lru_cache(maxsize=2**16)
def _costly(salt: str, cost: int, name: bytes) -> str:
    return hashlib.scrypt(name, salt=salt.encode(), n=cost, r=8, p=1, dklen=8).hex()


def _items(salt: str, items: Items, decoded: Iterable[Array]) -> list[str]:
    hashes = [_item(salt, array) for array in decoded]
    if len(hashes) != len(items):
        raise BadArgument(
            f"{len(hashes)} decoded arrays came with {len(items)} items of {items.namespace!r}, "
            "and one for each is expected. Take the items that failed out of the table."
        )
    return hashes


def _item(salt: str, array: Array) -> str:
    # The same numbers are the same item on a machine of the other byte order.
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return _digest(salt, f"{array.dtype.str} {array.shape}".encode(), array.tobytes())


def _digest(salt: str, *parts: bytes) -> str:
    digest = hashlib.sha256(salt.encode())
    for part in parts:
        digest.update(b"\0")
        digest.update(part)
    return digest.hexdigest()[:16]


def _hashes(value: Any, key: str) -> dict[str, frozenset[str]]:
    if not isinstance(value, dict) or not value.keys() <= set(REMEMBERED):
        raise _damaged(f"has {key} that are no table of {', '.join(REMEMBERED)}")
    for role, hashes in value.items():
        if not isinstance(hashes, list) or not all(
            isinstance(digest, str) and _HASH.fullmatch(digest) for digest in hashes
        ):
            raise _damaged(f"has {key}.{role} that is no list of hashes of 16 hex digits")
    return {role: frozenset(hashes) for role, hashes in value.items()}


def _overlap(role: str, labels: list[str], places: list[str]) -> str:
    parts = []
    for one, many, names in (("identity", "identities", labels), ("item", "items", places)):
        if names:
            noun = one if len(names) == 1 else many
            more = ", ..." if len(names) > SHOWN else ""
            parts.append(f"{len(names)} {noun} ({', '.join(names[:SHOWN])}{more})")
    return f"{' and '.join(parts)} seen in {role}"


def _damaged(what: str) -> DamagedModel:
    return DamagedModel(
        f"trained_on.json {what}. Copy the model again from where it came, or train it anew."
    )
