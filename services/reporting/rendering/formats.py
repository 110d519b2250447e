"""What a document can be written as."""

from __future__ import annotations

from enum import StrEnum

from services.reporting.domain.documents.content import Document


class Format(StrEnum):
    """A kind of file; its value is the ending of the name."""

    XLSX = "xlsx"
    CSV = "csv"
    HTML = "html"
    PDF = "pdf"

    @property
    def content_type(self) -> str:
        """Return the media type."""
        return {
            Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Format.CSV: "text/csv; charset=utf-8",
            Format.HTML: "text/html; charset=utf-8",
            Format.PDF: "application/pdf",
        }[self]


def render(document: Document, wanted: Format, language: str = "zh") -> bytes:
    """Return ``document`` as a file of the format ``wanted``, with labels in ``zh`` or ``en``."""
    if wanted is Format.CSV:
        from services.reporting.rendering.csv_file import to_csv  # noqa: PLC0415 - each format is loaded when asked for

        return to_csv(document, language)
    if wanted is Format.XLSX:
        from services.reporting.rendering.xlsx_file import to_xlsx  # noqa: PLC0415 - as above

        return to_xlsx(document, language)
    if wanted is Format.HTML:
        from services.reporting.rendering.html_file import to_html  # noqa: PLC0415 - as above

        return to_html(document, language)
    from services.reporting.rendering.pdf_file import to_pdf  # noqa: PLC0415 - as above

    return to_pdf(document, language)
