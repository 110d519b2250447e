"""The font of charts and PDFs: Noto Sans SC, carried by a package, so that Chinese shows on every machine."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

NAME = "Noto Sans SC"
_CARRIER = "zhplot"
_FILE = Path("fonts") / "NotoSansSC-Regular.ttf"


@cache
def font_file() -> Path:
    """Return where the font is; FileNotFoundError when the package that carries it is not installed.

    The package is looked up and never imported: it would change settings of the whole process.
    """
    found = importlib.util.find_spec(_CARRIER)
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / _FILE
        if path.is_file():
            return path
    raise FileNotFoundError(f"the font {NAME} is not there: install the package {_CARRIER}")
