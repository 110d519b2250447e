"""Documents as one HTML page that needs nothing else: styles and charts are in it."""

from __future__ import annotations

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.reporting.domain.documents.content import Chart, Document, Kind, Value
from services.reporting.rendering import wording
from services.reporting.rendering.charts import to_svg

_PAGES = Environment(
    loader=PackageLoader("services.reporting.rendering"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def to_html(document: Document, language: str) -> bytes:
    """Return the document as a page; every text in it is escaped."""

    def shown(value: Value, kind: Kind) -> str:
        return wording.shown(value, kind, document.time_zone, language)

    def picture(chart: Chart) -> str:
        drawn = base64.b64encode(to_svg(chart, language)).decode()
        return f"data:image/svg+xml;base64,{drawn}"

    page = _PAGES.get_template("document.html").render(
        document=document,
        language=language,
        head=wording.head(document, language),
        shown=shown,
        picture=picture,
        words=wording,
        block_of=lambda block: type(block).__name__,
    )
    return page.encode()
