"""The run-time type check of the tests: beartype, in which an int is a float as for mypy."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
