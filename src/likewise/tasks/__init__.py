"""What a model is used for, one function a file."""

TASKS = {
    "verify": "likewise.tasks.verify:verify",
    "evaluate": "likewise.tasks.evaluate:evaluate",
    "embed": "likewise.tasks.embed:embed",
}
