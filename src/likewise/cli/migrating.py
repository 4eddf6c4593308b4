"""`likewise gallery migrate`: to another model, as the command tells it."""


def migrate(gallery: str, model: str, source: str, *, leave_out: bool, as_json: bool) -> None:
    """Give a gallery the embeddings of another model, and print what became of it."""
    import json
    from dataclasses import asdict

    from likewise.cli.progress import Counter
    from likewise.data import source_spec
    from likewise.io.display import printable, without_secrets
    from likewise.model import Model
    from likewise.sources import FAMILY
    from likewise.tasks.migrate import migrate

    shown = without_secrets(gallery)
    built = FAMILY.build(source_spec(source)) if source else None
    with Counter("embedding", quiet=as_json) as count:
        done = migrate(
            gallery, Model(model), source=built, leave_out=leave_out, progress=count.show
        )
    if as_json:
        print(json.dumps({"gallery": shown, **asdict(done)}))
        return
    print(f"{shown} holds {done.entries:,} entries of the model in {model}")
    if done.embedded or done.resumed:
        print(f"{done.embedded:,} were embedded now, {done.resumed:,} before a stop")
    else:
        print("nothing was embedded: they were of that model already")
    if done.left_out:
        print(f"{len(done.left_out):,} were left out, and are removed:")
        for name, why in done.left_out[:10]:
            print(printable(f"  {name}: {why}"))
        if len(done.left_out) > 10:
            print(f"  and {len(done.left_out) - 10:,} more")
    for old, new in zip(done.before, done.after, strict=True):
        if new.threshold is None:
            print(f"no threshold for a false-identification rate of {new.target:g}")
        else:
            was = "none" if old.threshold is None else f"{old.threshold:.4f}"
            print(
                f"threshold for a false-identification rate of {new.target:g}: "
                f"{new.threshold:.4f}, before {was}"
            )
