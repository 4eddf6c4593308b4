"""What a model is used for, one function a file."""

TASKS = {
    "verify": "likewise.tasks.verify:verify",
    "evaluate": "likewise.tasks.evaluate:evaluate",
    "calibrate": "likewise.tasks.calibrate:calibrate",
    "monitor": "likewise.tasks.monitor:monitor",
    "embed": "likewise.tasks.embed:embed",
    "enrol": "likewise.tasks.enrol:enrol",
    "identify": "likewise.tasks.identify:identify",
    "search": "likewise.tasks.search:search",
    "dedupe": "likewise.tasks.dedupe:dedupe",
}
