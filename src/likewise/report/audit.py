"""The page of an audit: what is wrong with the data, with pictures, and what a model must beat."""

import html
from collections.abc import Mapping, Sequence
from itertools import groupby

from likewise.auditing import Audit, Clue, Evidence, Finding, Severity, count_words
from likewise.report import document, pictures, wording
from likewise.shapes import Array

_HEADINGS = {
    "not_a_number": "Numbers that are none",
    "no_direction": "Embeddings without a direction",
    "impossible_distance": "Distances that cannot be",
    "reversed_distance": "Distances the wrong way around",
    "constant_distance": "Distances that tell nothing",
    "self_pairs": "Items compared with themselves",
    "contradictory_distances": "Pairs at two distances",
    "large_component": "Pairs that hang together",
    "repeated_rows": "Rows that repeat others",
    "same_content_other_label": "Copies under other labels",
    "contradictory_pairs": "Pairs that contradict one another",
    "confusable_names": "Names that cannot be told by eye",
    "groups_as_identities": "Groups that may be the identities",
    "near_content_other_label": "Near copies under other labels",
    "same_content_other_part": "Copies in two parts",
    "near_content_other_part": "Near copies in two parts",
    "collapsed_embedding": "Collapsed embedding",
    "appearance": "The look gives the answer away",
    "unlisted": "A shortcut that nobody listed",
    "frame": "Dimensions give the answer away",
    "encoding": "Storage gives the answer away",
    "file_size": "File size gives the answer away",
    "metadata": "Metadata give the answer away",
    "names": "Names give the answer away",
    "margin": "Distances and margin",
    "unreadable": "Items that cannot be read",
    "no_same_pairs": "One sort of pairs is missing",
    "class_imbalance": "Unequal identities",
    "pair_imbalance": "Unequal numbers of pairs",
    "single_items": "Identities with one item",
    "same_content_same_label": "Copies under one label",
    "left_after_binarising": "Left after binarising",
    "baselines": "Baselines",
}
_TITLES: dict[Severity, str] = {
    "alarm": "Alarms",
    "baseline": "What a model must beat",
    "note": "Worth knowing",
}


def render_audit(audit: Audit, shown: Mapping[int, Array], *, rerun: Sequence[str] = ()) -> str:
    """The whole page: one HTML file that opens without a network and holds no script.

    Args:
        audit: What was found.
        shown: Items of the source by the rows that evidence names: images uint8 [c h w], series
            [t d]; what is not there is named only.
        rerun: Commands that make it again.
    """
    contents = [
        ("summary", "Summary", _summary(audit)),
        *(
            (severity, title, _findings(audit.of(severity), shown))
            for severity, title in _TITLES.items()
        ),
        ("clues", "What trivial things tell", _clues(audit.clues)),
        ("failed", "Items that cannot be read", document.failed(audit.failed)),
        ("drawn", "What was drawn", "".join(f"<p>{html.escape(one)}</p>" for one in audit.sampled)),
    ]
    return document.html_page(
        f"Audit of {audit.source}",
        "Likewise, before anything is learned",
        html.escape(audit.counted),
        contents,
        rerun=rerun,
        figured=False,
    )


def _summary(audit: Audit) -> str:
    listed = "".join(f"<li>{_HEADINGS[one.kind]}</li>" for one in audit.alarms)
    alarms = f'<ol class="plain">{listed}</ol>' if listed else ""
    lede = "Nothing alarming was found."
    if listed:
        lede = f"{count_words(len(audit.alarms), 'alarm')}, the worst first:"
    notes = {
        "alarms": str(len(audit.alarms)),
        "baselines": str(len(audit.of("baseline"))),
        "notes": str(len(audit.of("note"))),
    }
    return f'<p class="lede">{lede}</p>{alarms}{document.facts(notes)}'


def _findings(found: Sequence[Finding], shown: Mapping[int, Array]) -> str:
    inside = "".join(_finding(one, shown) for one in found)
    return f'<ul class="findings">{inside}</ul>' if inside else ""


def _finding(one: Finding, shown: Mapping[int, Array]) -> str:
    advice = f"<p><b>What to do.</b> {html.escape(one.advice)}</p>" if one.advice else ""
    groups = "".join(
        f"<div>{''.join(_shot(each, shown) for each in group)}</div>"
        for _, group in groupby(one.evidence, key=lambda each: each.group)
    )
    shots = f'<div class="shots">{groups}</div>' if groups else ""
    return (
        f'<li class="finding {one.severity}"><h3><small>{one.severity}</small>'
        f"{_HEADINGS[one.kind]}</h3><p>{document.path(one.sentence)}</p>{advice}{shots}</li>"
    )


def _shot(one: Evidence, shown: Mapping[int, Array]) -> str:
    caption = f"<b>{document.path(one.detail)}</b>{document.path(one.place)}"
    return document.shot(shown.get(one.row), f"{one.place}, {one.detail}", caption)


def _clues(clues: Sequence[Clue]) -> str:
    tables = [
        f'<h3 class="question">Telling {html.escape(question)}</h3>{_table(list(group), question)}'
        for question, group in groupby(clues, key=lambda one: one.question)
    ]
    if not tables:
        return ""
    return "".join(tables) + (
        '<p class="note">Each line is one trivial thing and how well it alone gives the answer: '
        "the AUC, .5 (the dashed line) being chance and 1 certainty, with a 95% interval whose "
        "trials are identities. A probe is a small logistic regression, asked only about "
        "identities that it was not fitted on.</p>"
    )


def _table(clues: Sequence[Clue], question: str) -> str:
    columns = ("what", "AUC", "95% interval", "from 0 to 1")
    label = f"Telling {html.escape(question)}"
    return document.table(columns, map(_row, clues), label, frame="clues")


def _row(one: Clue) -> str:
    interval = "too few identities"
    if one.low is not None and one.high is not None:
        interval = f"{wording.fraction(one.low)} to {wording.fraction(one.high)}"
    strip = pictures.strip(one.low, one.auc, one.high, 1.0, 0.5).partition("<span")[0]
    said = (["alarm"] if one.alarm else []) + ([one.remark] if one.remark else [])
    remark = f"<small>{html.escape('; '.join(said))}</small>" if said else ""
    return (
        f'<tr{" class=alarm" if one.alarm else ""}><th scope="row">{html.escape(one.name)}{remark}'
        f"</th><td>{wording.fraction(one.auc)}</td><td>{interval}</td>"
        f'<td class="strip-cell">{strip}</td></tr>'
    )
