"""Report documents written as files: XLSX, CSV, HTML and PDF.

The same document gives the same bytes. Nothing here knows a database or a message; drawing takes a while and much
memory, so services have it done by a process of its own (``aside``).
"""

from services.reporting.rendering.formats import Format, render

__all__ = ["Format", "render"]
