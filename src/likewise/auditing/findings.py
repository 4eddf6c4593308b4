"""What an audit found: plain results, ranked, that can be written as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from likewise.errors import BadArgument
from likewise.results import Cell, Result
from likewise.types import Items

Severity: TypeAlias = Literal["alarm", "baseline", "note"]

SEVERITIES = ("alarm", "baseline", "note")
KINDS = (
    "not_a_number",
    "no_direction",
    "impossible_distance",
    "reversed_distance",
    "constant_distance",
    "self_pairs",
    "same_content_other_label",
    "contradictory_pairs",
    "confusable_names",
    "groups_as_identities",
    "contradictory_distances",
    "near_content_other_label",
    "same_content_other_part",
    "near_content_other_part",
    "collapsed_embedding",
    "appearance",
    "unlisted",
    "frame",
    "encoding",
    "file_size",
    "metadata",
    "names",
    "margin",
    "unreadable",
    "no_same_pairs",
    "large_component",
    "class_imbalance",
    "pair_imbalance",
    "single_items",
    "same_content_same_label",
    "repeated_rows",
    "left_after_binarising",
    "baselines",
)
"""Every kind of finding; within a severity the first is the most harmful."""


@dataclass(frozen=True)
class Evidence:
    """One item that a finding rests on.

    Attributes:
        place: Its file or row.
        detail: What is to be said of it: its label, or the value that stands out.
        row: Which item of the source it is, to show it; -1 if it cannot be shown.
        group: Items with the same number belong together: a pair, or copies of one another.
    """

    place: str
    detail: str
    row: int = -1
    group: int = 0


def evidence_of(items: Items, row: int, detail: str, group: int = 0) -> Evidence:
    """The item at a row of a table as evidence."""
    return Evidence(str(items.places[row]), detail, int(items.rows[row]), group)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing, with what to do about it.

    Attributes:
        kind: One of `KINDS`.
        severity: `alarm` spoils a model or its figures; a `baseline` is what a model must beat to
            be worth having; a `note` is worth knowing.
        sentence: What was found.
        evidence: Some of the items that show it, the clearest first.
        advice: What to do; empty where there is nothing.
        figures: Numbers behind the sentence: counts, and rates as fractions.

    Raises:
        BadArgument: If the kind or the severity is none.
    """

    kind: str
    severity: Severity
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    advice: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.severity not in SEVERITIES:
            raise BadArgument(
                f"A finding of the kind {self.kind!r} and severity {self.severity!r} was made; the "
                f"kinds are {', '.join(KINDS)}, and the severities {', '.join(SEVERITIES)}."
            )


@dataclass(frozen=True)
class Clue:
    """How well one trivial thing alone tells the answer.

    Attributes:
        question: What it is asked to tell: `same from different`, `genuine from forged`, ...
        name: What is looked at: `mean grey`.
        auc: Probability that it puts two cases in the right order; .5 is chance.
        low: Lower end of the 95% interval, identities being the trials; None if they are too few.
        high: Upper end; None likewise.
        alarm: Whether an alarm was raised for it.
        remark: What else is to be said, as that the transform does not read it.
    """

    question: str
    name: str
    auc: float
    low: float | None
    high: float | None
    alarm: bool = False
    remark: str = ""

    @property
    def words(self) -> str:
        """The name with its AUC and interval."""
        if self.low is None or self.high is None:
            return f"{self.name} (AUC {self.auc:.3f}, too few identities for an interval)"
        return f"{self.name} (AUC {self.auc:.3f}, {self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, repr=False)
class Audit(Result):
    """Everything that was found in one set of items.

    Attributes:
        source: Where the items come from.
        items: How many could be read.
        identities: How many they show, or how many groups of linked pairs they make.
        unit: What these are called.
        findings: Ranked, the worst first.
        clues: What trivial things tell, question by question, the most telling first.
        sampled: What was drawn by chance, in sentences; empty if everything was looked at.
        failed: Place and reason of each item that could not be read.
        noun: What the items are called, one of them.
    """

    source: str
    items: int
    identities: int
    unit: str
    findings: tuple[Finding, ...]
    clues: tuple[Clue, ...]
    sampled: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    noun: str = "item"

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that spoil a model or its figures."""
        return self.of("alarm")

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity, the worst first."""
        return tuple(one for one in self.findings if one.severity == severity)

    @property
    def counted(self) -> str:
        """What was audited, as in `600 items of 30 identities`."""
        joined = "of" if self.unit == "identities" else "in"
        return f"{count_words(self.items, self.noun)} {joined} {self.identities:,} {self.unit}"

    @property
    def verdict(self) -> str:
        """How many alarms there are, in a sentence."""
        count = len(self.alarms)
        if not count:
            return "Nothing alarming was found."
        return f"{count} alarm{'s' if count > 1 else ''}: {self.alarms[0].sentence}"

    def lines(self, most: int = 5) -> list[str]:
        """The findings as lines for a terminal: alarms, then baselines, then notes.

        Args:
            most: How many items of each finding are named.
        """
        lines = [f"audit of {self.source}: {self.counted}"]
        for one in self.findings:
            lines.append(f"{one.severity}: {one.sentence}")
            lines += [f"    {e.place}: {e.detail}" for e in one.evidence[:most]]
            if one.advice and one.severity == "alarm":
                lines.append(f"  {one.advice}")
        if not self.alarms:
            lines.append("Nothing alarming was found.")
        return lines

    def facts(self) -> dict[str, str]:
        """The audit in a few words, as a report and a model card show it."""
        facts = {"audited": self.counted, "verdict": self.verdict}
        for severity in SEVERITIES:
            said = [one.sentence for one in self.findings if one.severity == severity]
            if severity == "alarm":
                said = said[1:]
            if said:
                facts[f"{severity}s" if severity != "alarm" else "more alarms"] = " ".join(said)
        if self.sampled:
            facts["drawn"] = " ".join(self.sampled)
        return facts

    def summary(self) -> str:
        """Return how many alarms there are, and what was audited."""
        return f"{count_words(len(self.alarms), 'alarm')}, {self.counted}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each finding, the worst first."""
        return [
            {
                "severity": one.severity,
                "kind": one.kind,
                "sentence": one.sentence,
                "advice": one.advice,
            }
            for one in self.findings
        ]


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, the worst first."""

    def key(one: Finding) -> tuple[int, int]:
        return SEVERITIES.index(one.severity), KINDS.index(one.kind)

    return tuple(sorted(findings, key=key))


def count_words(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 item`, `1,200 items`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
