"""Nothing comes in; the small documents of this folder go out, all holding the same invented story.

pip install pypdf python-docx && python tests/data/make.py
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
HEADLINE = "Ferry runs aground off Tarn Point"
PARAGRAPHS = (
    ("A car ferry with 112 people aboard ran aground off Tarn Point on Tuesday", "night. Nobody was hurt."),
    ("“We felt a bump. Then the lights went out,” said Dr. Ana Ruiz, a passen-", "ger. The coastguard came at 9 p.m."),
)  # each paragraph as the lines a printer would set


def pdf(lines: list[tuple[int, int, str]], *, picture: bool = False, title: str = "") -> bytes:
    """Return a PDF of one page with lines of (size, height above the foot, text), or only a grey square."""
    if picture:
        stream = b"q 200 0 0 200 72 400 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q"
    else:
        shown = (
            b"BT /F1 %d Tf 72 %d Td (" % (size, height)
            + text.encode("cp1252").replace(b"(", b"\\(").replace(b")", b"\\)")
            + b") Tj ET"
            for size, height, text in lines
        )
        stream = b"\n".join(shown)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title (%s) >>" % title.encode("ascii"),
    ]
    written = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(written))
    return written + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end


def main() -> None:
    """Write every document."""
    import docx
    from pypdf import PdfReader, PdfWriter

    height = 760
    lines = [(18, height, HEADLINE)]
    for paragraph in PARAGRAPHS:
        height -= 28
        for line in paragraph:
            lines.append((11, height, line))
            height -= 14
    (FOLDER / "ferry.pdf").write_bytes(pdf(lines, title="Ferry aground"))
    (FOLDER / "picture.pdf").write_bytes(pdf([], picture=True))
    locked = PdfWriter(clone_from=PdfReader(FOLDER / "ferry.pdf"))
    locked.encrypt("secret", algorithm="RC4-128")
    with (FOLDER / "locked.pdf").open("wb") as file:
        locked.write(file)

    joined = [" ".join(paragraph).replace("passen- ger", "passenger") for paragraph in PARAGRAPHS]
    document = docx.Document()
    document.add_heading(HEADLINE, level=0)
    for paragraph in joined:
        document.add_paragraph(paragraph)
    for item in ("Aboard: 112", "Hurt: none"):
        document.add_paragraph(item, style="List Bullet")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Length", "48 metres"
    document.save(str(FOLDER / "ferry.docx"))

    (FOLDER / "ferry.html").write_text(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Ferry runs aground off Tarn Point</title></head>"
        "<body><nav><a href=/>Home</a> <a href=/sport>Sport</a></nav><article>"
        f"<h1>{HEADLINE}</h1>" + "".join(f"<p>{paragraph}</p>" for paragraph in joined) + "<ul><li>Aboard: 112</li>"
        "<li>Hurt: none</li></ul><p>The island’s council will meet on Friday &amp; publish a report.</p></article>"
        "<footer>Cookie settings. Subscribe now.</footer></body></html>\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
