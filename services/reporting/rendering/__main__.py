"""Renders one document: ``python -m services.reporting.rendering <format> <language>``, JSON in, the file out."""

from __future__ import annotations

import json
import sys

from services.reporting.domain.documents.content import Document
from services.reporting.rendering.formats import Format, render


def main() -> None:
    """Read a document from standard input and write the file to standard output."""
    wanted, language = Format(sys.argv[1]), sys.argv[2]
    document = Document.of(json.load(sys.stdin.buffer))
    sys.stdout.buffer.write(render(document, wanted, language))


main()
