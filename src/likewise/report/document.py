"""What every page is: one HTML file that opens without a network."""

import base64
import hashlib
import html
from collections.abc import Sequence
from importlib.resources import files

from likewise.report import figures


def document(
    title: str,
    heading: str,
    kicker: str,
    note: str,
    contents: Sequence[tuple[str, str, str]],
    *,
    figured: bool = True,
) -> str:
    """A whole page.

    Args:
        title: As the browser shows it.
        heading: The same on the page; HTML.
        kicker: Above it, what was measured on whom.
        note: Below it; HTML.
        contents: Of each section its name, its title and its HTML; an empty one is left out.
        figured: Whether it has figures; without any it holds no script, and needs no plotly.

    Raises:
        MissingExtra: If plotly is not installed.
    """
    scripts = [figures.plotly_script(), _asset("page.js")] if figured else []
    scripts = [script.replace("</script", "<\\/script") for script in scripts]
    css = _asset("page.css") + ("" if figured else _asset("audit.css"))
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    if figured:
        hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
        policy = policy.replace("data:", "data: blob:") + f"; script-src {hashes}"
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{html.escape(title)}</title>\n<style>\n{css}</style>\n",
            f'</head>\n<body>\n<header><p class="kicker">{html.escape(kicker)}</p>\n',
            f"<h1>{heading}</h1>\n",
            f'<p class="note">{note}</p></header>\n<main>\n',
            *(
                f'<section id="{name}"><h2>{shown}</h2>\n<div>{body}</div></section>\n'
                for name, shown, body in contents
                if body
            ),
            "</main>\n",
            *(f"<script>{script}</script>\n" for script in scripts),
            "</body>\n</html>\n",
        ]
    )


def _asset(name: str) -> str:
    return files("likewise.report").joinpath(name).read_text(encoding="utf-8")


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
