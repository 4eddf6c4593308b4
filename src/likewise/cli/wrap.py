"""`likewise wrap`: somebody's ONNX encoder as a model."""

import typer

from likewise.cli import options
from likewise.cli.help import GIVEN

FEEDING = "What the encoder takes and gives"


def command(
    encoder: str = typer.Argument(metavar="ENCODER", help="An .onnx file."),
    out: str = typer.Option(
        ..., metavar="FOLDER", rich_help_panel=GIVEN, help="The model's folder, which is made."
    ),
    transform: str = typer.Option(
        ...,
        metavar="SPEC",
        rich_help_panel=GIVEN,
        help="What makes the encoder's input of an item, as in 'image(size=112, color=True)' "
        "(likewise list transforms).",
    ),
    distance: str = typer.Option(
        "cosine",
        metavar="SPEC",
        rich_help_panel=FEEDING,
        help="What compares two embeddings (likewise list distances).",
    ),
    mean: str = typer.Option(
        "",
        metavar="NUMBERS",
        rich_help_panel=FEEDING,
        show_default="0",
        help="What is subtracted from pixels in 0 to 1 (or from a series): one number, or one for "
        "each channel, between commas.",
    ),
    std: str = typer.Option(
        "",
        metavar="NUMBERS",
        rich_help_panel=FEEDING,
        show_default="1",
        help="What they are then divided by. An encoder that takes pixels from -1 to 1 has mean "
        "0.5 and std 0.5.",
    ),
    layout: str = typer.Option(
        "nchw",
        metavar="LAYOUT",
        rich_help_panel=FEEDING,
        help="Where the channels of an image stand: nchw (first) or nhwc (last).",
    ),
    inputs: str = typer.Option(
        "",
        "--input",
        metavar="NAME",
        rich_help_panel=FEEDING,
        show_default="the only one",
        help="Which of the encoder's inputs takes the items.",
    ),
    lengths: str = typer.Option(
        "",
        metavar="NAME",
        rich_help_panel=FEEDING,
        show_default="the only one of whole numbers",
        help="Which takes the lengths of series.",
    ),
    channels: int = typer.Option(
        1,
        min=1,
        metavar="N",
        rich_help_panel=FEEDING,
        help="How many channels a series, or numbers a vector, has.",
    ),
    output: str = typer.Option(
        "",
        metavar="NAME",
        rich_help_panel=FEEDING,
        show_default="the only one",
        help="Which of its outputs is the embedding.",
    ),
    overwrite: bool = typer.Option(
        False, "--overwrite", help="Replace the model that is in FOLDER."
    ),
    as_json: options.AsJson = False,
) -> None:
    """Make a model of an encoder that was trained elsewhere.

    The encoder is checked (plain operators of ONNX, weights in the file, no control over other
    files), given a free batch axis, and tried. It decides nothing until it is calibrated. What it
    learned from nobody knows here, so that a leak of its own training cannot be noticed.

    Examples:
        likewise wrap encoder.onnx --transform 'image(size=16)' --out wrapped/
        likewise wrap encoder.onnx --transform 'image(16)' --std 0.5 --out w/ --json

    Writes:
        FOLDER  a model: model.toml, transform.toml, trained_on.json and encoders/

    Exit codes:
        0  written
        2  bad input; nothing is written

    Next:
        likewise embed model/ images/ --out e.npz
    """
    from likewise.cli.text.output import json_line
    from likewise.errors import BadArgument
    from likewise.tasks.wrap import wrap

    def numbers(name: str, text: str) -> list[float]:
        try:
            return [float(one) for one in text.split(",")] if text else []
        except ValueError:
            raise BadArgument(
                f"{name} is {text!r}, and numbers between commas are expected, as in "
                "0.485,0.456,0.406."
            ) from None

    if layout not in ("nchw", "nhwc"):
        raise BadArgument(f"--layout is {layout!r}; give nchw or nhwc.")
    made = wrap(
        encoder,
        out,
        transform=transform,
        distance=distance,
        inputs=inputs,
        lengths=lengths,
        output=output,
        layout="nhwc" if layout == "nhwc" else "nchw",
        mean=numbers("--mean", mean),
        std=numbers("--std", std),
        channels=channels,
        overwrite=overwrite,
    )
    if as_json:
        found = {"out": out, "kind": made.kind, "dim": made.dim}
        print(json_line({**found, "fingerprint": made.fingerprint}))
        return
    print(f"{out}: {made.kind}, {made.dim} numbers an item, {distance}")
    print("It is not calibrated yet: verify shows no decision until it is.")
