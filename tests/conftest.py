"""Shapes are checked at run time in every test."""

import os

os.environ["LIKEWISE_CHECK_SHAPES"] = "1"

from jaxtyping import install_import_hook

install_import_hook("likewise", "beartype.beartype")
