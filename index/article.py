"""A file, a web address or pasted text comes in; an Article goes out, whose text is never rewritten after.

    path, "-", http(s)://... ─► bytes ─► text, title, date by kind of file ─► article_from_text ─► Article
                                         .txt .md .html .htm .pdf .docx .eml

Each kind of file is read by the library that does it best, imported only when such a file is opened: trafilatura finds
the article in a web page, pypdfium2 gives a PDF's text with the place of each line, python-docx keeps Word's paragraphs
apart, markdown-it-py knows what is Markdown's markup and what is text, and Python's own email finds what an e-mail says
among its parts. What comes out has one paragraph per line, with a blank line between.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import logging
import re
import statistics
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from importlib import import_module
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from index.errors import (
    ArticleTooLarge,
    EmptyArticle,
    MissingExtra,
    NoSuchArticle,
    UnreachableArticle,
    UnreadableArticle,
)

LARGEST_TEXT = 20_000_000  # characters of text: some 140,000 sentences of news
LARGEST_FILE = 100_000_000  # bytes of a file or a web page, pictures included
TIMEOUT = 20.0  # seconds without a byte from a web server
SUFFIXES = (".txt", ".md", ".html", ".htm", ".pdf", ".docx", ".eml")

PASTED = "pasted text"
_WANTED = "Give a .txt, .md, .html, .pdf, .docx or .eml file, a web address, or paste the text."
_TITLE_LENGTH = 100  # characters
_UNTITLED_LENGTH = 60  # characters of the first line, where an article has no headline

logger = logging.getLogger(__name__)  # without a handler of the application's, warnings are lines on standard error


@dataclass(frozen=True, slots=True)
class Article:
    """A text to ask questions about."""

    title: str
    text: str  # canonical: every offset in this program counts its characters (Unicode code points)
    source: str  # where it came from, as the user would say it
    fingerprint: str  # SHA-256 of the text in UTF-8, hexadecimal
    date: str | None = None  # 2024-05-17, where what it was read from says when it appeared


def article_from_text(text: str, *, title: str | None = None, source: str = PASTED, date: str | None = None) -> Article:
    """Return the Article of a text; this is the one place where a text is made canonical.

    Without a title, the headline is taken, or the beginning of the first line.
    Raises EmptyArticle when no letter or digit is in it, ArticleTooLarge over LARGEST_TEXT characters.
    """
    kept = canonical(text)
    if len(kept) > LARGEST_TEXT:
        raise ArticleTooLarge(
            f"{source}: the text has {len(kept):,} characters, and at most {LARGEST_TEXT:,} can be read. "
            "Give a part of it."
        )
    if not kept.strip():
        raise EmptyArticle(f"{source}: there is no text in it. Give an article with at least one sentence.")
    if not any(map(str.isalnum, kept)):
        raise EmptyArticle(
            f"{source}: no sentence was found, only punctuation. Give an article with at least one sentence."
        )
    title = " ".join((title or "").split()) or _headline(kept) or _beginning(kept)
    fingerprint = hashlib.sha256(kept.encode("utf-8")).hexdigest()
    return Article(title[:_TITLE_LENGTH], kept, source, fingerprint, date)


def read_article(source: str | Path) -> Article:
    """Return the Article at a path, on standard input ("-") or at an http(s) address.

    Raises NoSuchArticle, UnreachableArticle, UnreadableArticle, EmptyArticle, ArticleTooLarge or MissingExtra.
    """
    name = str(source)
    if name == "-":
        return _article(sys.stdin.buffer.read(LARGEST_FILE + 1), "standard input", suffix="")
    if re.match(r"https?://", name, re.IGNORECASE):
        content, suffix = _download(name)
        return _article(content, name, suffix=suffix)
    return _article(_file_content(Path(source)), name, suffix=Path(source).suffix.lower(), stem=Path(source).stem)


def article_from_paste(text: str) -> Article:
    """Return the Article of what somebody pasted: Markdown where a heading of Markdown stands alone, else plain text.

    Raises as `article_from_text` does.
    """
    kept = canonical(text)
    heading = _MARKDOWN.search(kept) if len(kept) <= LARGEST_TEXT else None
    if heading is None:
        return article_from_text(text)
    content = _read_markdown(kept.encode("utf-8"), PASTED)
    at_top = not kept[: heading.start("first")].strip()
    return article_from_text(content.text, title=content.title if at_top else None)


def builtin_article() -> Article:
    """Return the article that ships with the program."""
    text = files("index").joinpath("builtin", "maida_vale.txt").read_text(encoding="utf-8")
    return article_from_text(text, source="built-in article")


# --- text -------------------------------------------------------------------------------------------------------------

_NEWLINES = re.compile(r"\r\n?|[\v\x85\u2028]")
_PAGE_BREAKS = re.compile(r"[\f\u2029]")  # end a paragraph too
_SURROGATES = re.compile(r"[\ud800-\udfff]")  # halves of characters, which UTF-8 cannot hold


def canonical(text: str) -> str:
    """Return the text as an Article has it: its line ends, page breaks and half characters made one kind."""
    text = _NEWLINES.sub("\n", text.removeprefix("\ufeff"))
    return _SURROGATES.sub("\ufffd", _PAGE_BREAKS.sub("\n\n", text))


def _headline(text: str) -> str | None:
    """Return an e-mail's subject, else the first line where it is a headline: short, a blank line below, no stop."""
    mail = _MAIL.match(text)
    subject = _SUBJECT.search(mail[0]) if mail is not None else None
    if subject is not None:
        return _squashed(subject[1])
    lines = text.lstrip().split("\n", 2)
    first = lines[0].strip()
    if len(lines) < 3 or lines[1].strip() or not lines[2].strip():
        return None
    return None if len(first) > _TITLE_LENGTH or first.endswith((".", "!", "…", ":", "”", '"')) else first


# The lines stay in the text, where "when was it sent?" finds its answer and every offset stays right: each is a line,
# and so a sentence, of its own, and runs into none of what the e-mail says.
_MAIL = re.compile(
    r"\s*(?:(?:From|To|Cc|Bcc|Reply-To|Date|Sent|Subject):[^\n]*\n(?:[ \t]+\S[^\n]*\n)*){2,}", re.IGNORECASE
)
_SUBJECT = re.compile(r"^Subject:[ \t]*(\S[^\n]*(?:\n[ \t]+[^\n]+)*)", re.MULTILINE | re.IGNORECASE)


def _telling(stem: str | None) -> str | None:
    """Return a file's name where it tells what is in it ("my story"); a single word such as "article" does not."""
    return stem if stem and len(re.findall(r"[^\W\d_]{2,}", stem)) > 1 else None


def _beginning(text: str) -> str:
    first = text.strip().split("\n", 1)[0].strip()
    if len(first) <= _UNTITLED_LENGTH:
        return first
    return first[:_UNTITLED_LENGTH].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


# --- bytes ------------------------------------------------------------------------------------------------------------


def _file_content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise NoSuchArticle(f"{path}: this is a folder, and an article is a file. {_WANTED}")
        if path.stat().st_size > LARGEST_FILE:
            raise _too_large(str(path))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NoSuchArticle(f"{path}: there is no such file. {_WANTED}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise UnreadableArticle(f"{path}: the file cannot be opened ({reason}). {_WANTED}") from error


def _too_large(source: str) -> ArticleTooLarge:
    return ArticleTooLarge(
        f"{source}: larger than {LARGEST_FILE // 1_000_000} MB, the most we read. Give a part of it."
    )


def _article(content: bytes, source: str, *, suffix: str, stem: str | None = None) -> Article:
    """Return the Article of a file's content; its first bytes decide the kind, then its suffix."""
    if len(content) > LARGEST_FILE:
        raise _too_large(source)
    if not content:
        raise EmptyArticle(f"{source}: the file is empty. Give an article with at least one sentence.")
    found = _reader(content, source, suffix)(content, source)
    title = found.title or _headline(canonical(found.text)) or _telling(stem)
    return article_from_text(found.text, title=title, source=source, date=found.date)


class _Content(NamedTuple):
    """What a file holds."""

    text: str
    title: str | None = None  # where the file says one
    date: str | None = None


Read = Callable[[bytes, str], _Content]  # from (content, source)


def _reader(content: bytes, source: str, suffix: str) -> Read:
    beginning = _beginning_of(content)
    if beginning.startswith("{\\rtf"):
        raise UnreadableArticle(
            f"{source}: this is rich text (RTF), which we do not read. Open it in a word processor and save "
            "it as .docx or .txt."
        )
    top = beginning.partition("\n\n")[0]
    is_mail = suffix == ".eml" or all(header.search(top) for header in _MAIL_HEADERS)
    if is_mail and suffix != ".eml" and _MHTML_HEADER.search(top):  # an e-mail with pictures has its header too
        raise UnreadableArticle(
            f"{source}: this is a web page saved as one file (MHTML), which we do not read. Open it in a browser and "
            "save it as .html, or copy the text and paste it."
        )
    if content.startswith(b"%PDF-") or suffix == ".pdf":
        return _read_pdf
    if content.startswith(b"PK\x03\x04") or suffix == ".docx":
        return _read_docx
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableArticle(
            f"{source}: an old Word document, or an encrypted one. Save it as .docx without a password."
        )
    if is_mail:
        return _read_mail
    begins_as_page = _PROLOGUE.sub("", beginning).lower().startswith(("<!doctype html", "<html"))
    if suffix in (".html", ".htm", ".xhtml") or begins_as_page:
        return _read_html
    return _read_markdown if suffix in (".md", ".markdown") else _read_text


_SNIFFED = 65_536  # bytes: a page may begin with a long comment
_PROLOGUE = re.compile(r"\A(?:<\?xml\b[^>]*>|<!--.*?-->|\s)*", re.DOTALL | re.IGNORECASE)  # of a web page
_MAIL_HEADERS = tuple(
    re.compile(header, re.MULTILINE | re.IGNORECASE) for header in (r"\A[\w-]+:", "^mime-version:", "^content-type:")
)
_MHTML_HEADER = re.compile(r"^content-type:\s*multipart/related\b", re.MULTILINE | re.IGNORECASE)


def _beginning_of(content: bytes) -> str:
    """Return a file's first characters for telling its kind: what is beyond ASCII in them may be lost."""
    beginning = content[:_SNIFFED].decode(_wide_encoding(content) or "utf-8", errors="ignore")
    return canonical(beginning).lstrip()


def _wide_encoding(content: bytes) -> str | None:
    """Return UTF-16 or UTF-32 where a byte-order mark states it or, for UTF-16, the bytes tell; else None."""
    marks = ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    marked = next((encoding for mark, encoding in marks if content.startswith(mark)), None)
    return marked or next((order for order in ("utf-16-le", "utf-16-be") if _begins_as_utf16(content, order)), None)


def _begins_as_utf16(content: bytes, encoding: str) -> bool:
    """Return whether bytes without a mark begin as Western text in UTF-16 of this order.

    At least every second of its letters has a NUL for its high byte: with fewer, plain text with some NULs in it would
    pass for Chinese. What binary data has so many has control characters too.
    """
    beginning = content[:_SNIFFED]
    high = beginning[1::2] if encoding == "utf-16-le" else beginning[::2]
    if len(high) > 2 * high.count(0):
        return False
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(beginning)  # it may be cut within a letter
    except UnicodeDecodeError:
        return False
    return text != "" and not _CONTROL.search(text)


def _decoded(content: bytes, source: str) -> str:
    """Return the text of bytes: UTF-16 or UTF-32 as they begin, else UTF-8, even damaged, else Windows-1252.

    Almost every byte is a letter in Windows-1252, so it is tried last and only believed where the result has no
    control characters; it could still be wrong for a Greek or a Russian file of before Unicode.
    """
    encoding = _wide_encoding(content)
    if encoding is not None:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            raise UnreadableArticle(
                f"{source}: it begins as {encoding.upper()} but is damaged (byte {error.start:,}). "
                "Save it again as UTF-8."
            ) from error
    if b"\0" in content:
        raise UnreadableArticle(f"{source}: this is not text but binary data. {_WANTED}")
    text = _as_utf8(content, source)
    if text is not None:
        return text
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = "\0"
    if _CONTROL.search(text):
        raise UnreadableArticle(
            f"{source}: neither UTF-8, nor UTF-16 with a byte-order mark, nor Windows-1252 text. Save it as UTF-8."
        )
    return text


def _as_utf8(content: bytes, source: str) -> str | None:
    """Return the text of bytes in UTF-8, with a mark and a warning where a byte is damaged; None where it is not UTF-8.

    In other encodings letters hardly ever form the sequences of UTF-8, so it is believed where more of them are sound
    than damaged, or one is and the file was cut within the last.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        first, cut = error.start, error.reason == "unexpected end of data"
    text = content.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd") - content.count("\ufffd".encode())
    sound = len(text) - len(text.encode("ascii", errors="ignore")) - damaged
    if sound <= (0 if cut else damaged):
        return None
    logger.warning(
        "%s: this is UTF-8, but %s (the first at byte %s), shown as \ufffd. Fetch it again, or save it again as UTF-8.",
        source,
        "one letter in it is damaged" if damaged == 1 else f"{damaged:,} letters in it are damaged",
        f"{first:,}",
    )
    return text


_CONTROL = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")


# --- kinds of file ----------------------------------------------------------------------------------------------------


def _library(name: str, *, extra: str, what: str, package: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"reading {what} needs {package}", extra=extra) from error


def _read_text(content: bytes, source: str) -> _Content:
    text = _decoded(content, source)
    if _CONTROL.search(text):
        raise UnreadableArticle(f"{source}: this is not text but binary data. {_WANTED}")
    return _Content(text)


_FRONT_MATTER = re.compile(
    r"\A---\n(?=[\w-]+\s*:).*?\n---\n", re.DOTALL
)  # YAML, before the text of many Markdown files
_MARKDOWN = re.compile(r"(?:\A\s*|\n\s*\n)(?P<first>#{1,6} [^\n]+)\n\s*\n")  # a heading that stands alone
_TAG = re.compile(  # with what stands in it where that is no text
    r"<!--.*?-->|<(?P<unshown>script|style)\b.*?(?:</(?P=unshown)\s*>|\Z)|<[^>]*>", re.DOTALL | re.IGNORECASE
)
_LINE_BREAK = re.compile(r"<br\b", re.IGNORECASE)


def _read_markdown(content: bytes, source: str) -> _Content:
    """Headings and paragraphs stand apart by a blank line; a list item and a table row are lines of their own."""
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    text = canonical(_read_text(content, source).text)
    tree = SyntaxTreeNode(
        MarkdownIt("commonmark", {"maxNesting": 200}).enable("table").parse(_FRONT_MATTER.sub("", text))
    )
    title = next((_markdown_block(node) for node in tree.children if node.type == "heading"), None)
    return _Content(_joined(map(_markdown_block, tree.children)), title)


def _joined(blocks: Iterator[str]) -> str:
    return "\n\n".join(filter(None, blocks)) + "\n"


def _markdown_block(node: Any) -> str:
    if node.type in ("paragraph", "heading"):
        return re.sub(r" *\n *", "\n", _inline(node)).strip()
    if node.type in ("th", "td"):
        return _squashed(_inline(node)).strip()  # a row is one line
    if node.type in ("bullet_list", "ordered_list"):
        first = int(node.attrs.get("start", 1))
        markers = ("-" if node.type == "bullet_list" else f"{number}." for number in range(first, first + 10**6))
        return "\n".join(
            f"{marker} " + "\n".join(filter(None, map(_markdown_block, item.children)))
            for marker, item in zip(markers, node.children, strict=False)
        )
    if node.type in ("fence", "code_block"):
        return str(node.content).strip("\n")
    if node.type == "html_block":
        return " ".join(unescape(_TAG.sub(" ", node.content)).split())
    if node.type == "tr":
        return " | ".join(map(_markdown_block, node.children))
    between = "\n" if node.type in ("table", "thead", "tbody") else "\n\n"
    return between.join(filter(None, map(_markdown_block, node.children)))


def _inline(node: Any) -> str:
    if node.type in ("softbreak", "hardbreak"):
        return " " if node.type == "softbreak" else "\n"
    if node.type == "html_inline":
        return "\n" if _LINE_BREAK.match(node.content) else ""
    if node.type == "image" or not node.children:
        return str(node.content)
    return "".join(map(_inline, node.children))


def _read_html(content: bytes, source: str) -> _Content:
    """The article alone, without menus, adverts and comments, as trafilatura finds it, with its date."""
    trafilatura = _library("trafilatura", extra="web", what="web pages", package="trafilatura")
    # trafilatura guesses the encoding of all that is not whole UTF-8, so what is known of it comes first.
    known = _decoded(content, source) if _wide_encoding(content) else _as_utf8(content, source)
    content = content if known is None else known.encode("utf-8")
    found = trafilatura.bare_extraction(
        content, include_comments=False, include_tables=True, favor_recall=True, with_metadata=True
    )
    text = "" if found is None else re.sub(r"\n{3,}", "\n\n", _html_text(found.body)).strip()
    if not text:
        raise EmptyArticle(
            f"{source}: no article was found in this web page. Open it in a browser, copy the text and paste it."
        )
    heading = next((head for head in found.body.iter("head") if head.get("rend") == "h1"), None)
    title = _squashed("".join(heading.itertext()) if heading is not None else found.title or "").strip()
    if title and not text.startswith(title):
        text = f"{title}\n\n{text}"  # a headline is part of an article: it may be what answers
    return _Content(text + "\n", title or None, _stated_date(content))


_STATES_A_DATE = "//meta | //script[@type='application/ld+json'] | //time[@datetime]"


def _stated_date(content: bytes) -> str | None:
    """Return the day a page states in its metadata or its first <time>; a day that its text mentions is not one."""
    from htmldate import find_date
    from lxml import html
    from trafilatura import load_html

    page = load_html(content)
    stated = [] if page is None else page.xpath(_STATES_A_DATE)
    if not stated:
        return None
    # trafilatura's own date may also be any that stands in the text or the footer, so what states none is left out.
    times = [element for element in stated if element.tag == "time"]
    alone = html.Element("html")
    head, body = html.Element("head"), html.Element("body")
    alone.extend([head, body])
    head.extend(element for element in stated if element.tag != "time")
    body.extend(times[:1])
    found = find_date(alone, original_date=True, extensive_search=False)
    return str(found) if found else None


def _squashed(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")


def _html_text(node: Any) -> str:
    """Return an element's text: a block between blank lines, an item or a row on a line of its own."""
    if not isinstance(node.tag, str):  # a comment
        return ""
    if node.tag == "lb":
        return "\n"
    whole = "".join(node.itertext())
    if node.tag == "code" and "\n" in whole:
        return "\n\n" + whole.strip("\n") + "\n\n"
    inner = _squashed(node.text) + "".join(_html_text(child) + _squashed(child.tail) for child in node)
    inner = re.sub(r" *\n *", "\n", inner).strip() if node.tag in _HTML_BLOCKS else inner
    if node.tag in ("item", "row"):
        inner = re.sub(r"\n+", "\n", inner)
        return f"\n- {inner}" if node.tag == "item" else f"\n{inner.removesuffix('|').rstrip()}"
    if node.tag == "cell":
        return f"{inner} | " if inner else ""
    return f"\n\n{inner}\n\n" if node.tag in _HTML_BLOCKS else inner


_HTML_BLOCKS = frozenset(("body", "p", "head", "quote", "list", "table", "item", "row", "cell", "div"))


def _read_docx(content: bytes, source: str) -> _Content:
    """Paragraphs, headings, list items, table rows and text boxes, in their order; no headers, footers or comments."""
    if not content.startswith(b"PK\x03\x04"):
        encrypted = content.startswith(b"\xd0\xcf\x11\xe0")
        reason = "encrypted with a password, or an old .doc" if encrypted else "not a Word document"
        raise UnreadableArticle(f"{source}: this is {reason}. Save it as .docx without a password.")
    docx = _library("docx", extra="documents", what="Word documents", package="python-docx")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST_FILE:  # a zip bomb, or a heavy book
                raise _too_large(source)
        document = docx.Document(io.BytesIO(content))
        _unwrap(document.element.body)
        _unbox(document.element.body)
        written: list[str] = []
        for block in document.iter_inner_content():
            if hasattr(block, "rows"):
                written.append(_table(block))
            else:
                listed = (block.style.name or "").startswith("List") if block.style is not None else False
                line = block.text.strip()
                if listed and line and written and written[-1].startswith("- "):
                    written[-1] += f"\n- {line}"
                else:
                    written.append(f"- {line}" if listed and line else line)
        heading = next((p.text for p in document.paragraphs if p.style and p.style.name in ("Title", "Heading 1")), "")
        title = heading.strip() or (document.core_properties.title or "").strip()
    # SyntaxError: what lxml raises for XML that breaks off.
    except (KeyError, ValueError, SyntaxError, zlib.error, zipfile.BadZipFile, docx.opc.exceptions.OpcError) as error:
        raise UnreadableArticle(
            f"{source}: not a Word document, or a damaged one. Open it in Word and save it as .docx again."
        ) from error
    return _Content(_joined(iter(written)), title or None)


_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# By tracked changes, where a move's text stands in moveTo; and what is written over a word: how it is read.
_REMOVED = [_WORD + name for name in ("del", "moveFrom", "rt")]
_WRAPPERS = [
    _WORD + name for name in "ins moveTo sdt sdtContent smartTag customXml fldSimple dir bdo ruby rubyBase".split()
]
_CONTENTS = f"{_WORD}sdtPr/{_WORD}docPartObj/{_WORD}docPartGallery[@{_WORD}val='Table of Contents']"
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"


def _unwrap(body: Any) -> None:
    """Put what stands in tracked insertions, content controls, under a reading and the like in its place.

    python-docx passes over them. What was deleted goes, and so does Word's own table of contents: it repeats every
    heading with a page number. Of what is written twice, for newer and for older programs, the first with text is kept.
    """
    for element in list(body.iter(*_REMOVED, *_WRAPPERS, _ALTERNATIVES)):
        if element.tag == _ALTERNATIVES:
            kept = next((list(branch) for branch in element if branch.find(f".//{_WORD}t") is not None), [])
        else:
            kept = list(element) if element.tag in _WRAPPERS and element.find(_CONTENTS) is None else []
        _replace(element, kept)
    for run in body.xpath(".//w:r/w:r"):  # of a word that had its reading over it
        _replace(run, list(run))


def _replace(element: Any, others: list[Any]) -> None:
    for other in others:
        element.addprevious(other)
    element.getparent().remove(element)


def _unbox(body: Any) -> None:
    """Put the paragraphs of each text box behind the one it is anchored in; python-docx passes over them too."""
    for box in reversed(list(body.iter(f"{_WORD}txbxContent"))):
        anchor = next(box.iterancestors(f"{_WORD}p"), box)
        for block in reversed(list(box)):
            anchor.addnext(block)


def _table(table: Any) -> str:
    return "\n".join(filter(None, map(_table_row, table.rows)))


def _table_row(row: Any) -> str:
    """A row on one line, a table within a cell apart; an empty cell keeps its column, a merged one is given once."""
    cells = {id(cell._tc): _cell(cell) for cell in row.cells}
    return " | ".join(cells.values()) if any(cells.values()) else ""


def _cell(cell: Any) -> str:
    blocks = cell.iter_inner_content()
    return "\n".join(_table(block) if hasattr(block, "rows") else block.text for block in blocks).strip()


def _read_mail(content: bytes, source: str) -> _Content:
    """Who wrote to whom, when and of what, a line each, as mail programs print it; then what the e-mail says.

    That is the first of its parts with text, which is plain text where it has some; attachments are left out.
    """
    from email import message_from_bytes, policy
    from email.headerregistry import HeaderRegistry

    # Every header as plain text: the parsers of addresses and the like fail on what is badly written.
    lenient = policy.default.clone(header_factory=HeaderRegistry(use_default_map=False))
    message = message_from_bytes(content, policy=lenient)
    stated = {name: _squashed(message[name]).strip() for name in ("From", "To", "Cc", "Date", "Subject")}
    try:
        said = next(filter(None, map(_part_of_mail, message.walk())), None)
    except (TypeError, ValueError) as error:  # of a broken Content-Type
        raise UnreadableArticle(
            f"{source}: a damaged e-mail. Open it in a mail program, copy the text and paste it."
        ) from error
    if said is None:
        raise EmptyArticle(f"{source}: there is no text in this e-mail. {_WANTED}")
    kind, body = said
    text = (_read_html if kind == "text/html" else _read_text)(body, source).text
    lines = "".join(f"{name}: {value}\n" for name, value in stated.items() if value)
    return _Content(f"{lines}\n{text}", stated["Subject"] or None, _day_sent(stated["Date"]))


def _part_of_mail(part: Any) -> tuple[str, bytes] | None:
    """Return the kind and the content of a part of an e-mail with text to read; None for a picture or an attachment."""
    kind = part.get_content_type()
    if kind not in ("text/plain", "text/html") or part.get_content_disposition() == "attachment":
        return None
    content = _recoded(part.get_payload(decode=True) or b"", part.get_content_charset())
    return (kind, content) if content.strip() else None


def _day_sent(date: str) -> str | None:
    """Return the day of an e-mail's Date as 2024-05-17, where its sender was; None where it is none."""
    from email.utils import parsedate_to_datetime

    with suppress(ValueError, TypeError, OverflowError):
        return parsedate_to_datetime(date).date().isoformat()
    return None


def _recoded(content: bytes, charset: str | None) -> bytes:
    """Return text in UTF-8 where the encoding stated beside it is known and true, else as it is."""
    with suppress(LookupError, ValueError):
        return content.decode(charset).encode("utf-8") if charset else content
    return content


# --- PDF --------------------------------------------------------------------------------------------------------------

PASSWORD_NEEDED = 4  # pdfium's FPDF_ERR_PASSWORD


def _read_pdf(content: bytes, source: str) -> _Content:
    """The text layer, lines joined into paragraphs by their place on the page, words cut at a line's end joined."""
    pdfium = _library("pypdfium2", extra="documents", what="PDF files", package="pypdfium2")
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == PASSWORD_NEEDED:
            raise UnreadableArticle(
                f"{source}: this PDF is encrypted with a password. Save a copy without the password."
            ) from error
        raise UnreadableArticle(
            f"{source}: not a PDF, or a damaged one. Open it in a viewer and save it again."
        ) from error
    try:
        lines = [line for number in range(len(document)) for line in _pdf_lines(document[number])]
        title = (document.get_metadata_dict().get("Title") or "").strip()
        pages = len(document)
    except pdfium.PdfiumError as error:
        raise UnreadableArticle(
            f"{source}: a page of this PDF is damaged. Open it in a viewer and save it again."
        ) from error
    finally:
        document.close()
    if not any(map(str.isalnum, "".join(line.text for line in lines))):
        raise UnreadableArticle(
            f"{source}: this PDF has no text layer ({pages} page{'s' * (pages != 1)} of pictures). "
            "Recognise its text first, for example with ocrmypdf."
        )
    return _Content(_pdf_paragraphs(lines), None if _FILE_NAME.search(title) else title or None)


_FILE_NAME = re.compile(r"^untitled|^microsoft word|\.\w{2,4}$", re.IGNORECASE)  # what programs write when not told


@dataclass(frozen=True, slots=True)
class _PdfLine:
    text: str
    left: float  # points from the page's left edge, as the rest
    right: float
    bottom: float  # points from the page's foot
    size: float  # of its first letter, points


def _pdf_lines(page: Any) -> Iterator[_PdfLine]:
    from pypdfium2.raw import FPDFText_GetFontSize as size_of

    layer = page.get_textpage()
    text = layer.get_text_range()
    if layer.count_chars() != len(text):  # a character outside the plane of 16 bits: places cannot be matched
        yield from (_PdfLine(line.strip(), 0, 0, 0, 0) for line in text.splitlines() if line.strip())
        return
    for match in re.finditer(r"[^\r\n\ufffe\x02]+[\ufffe\x02]?", text):
        if match[0].strip():
            boxed = [place for place in range(*match.span()) if not text[place].isspace()]
            boxes = [layer.get_charbox(place) for place in boxed]
            left, bottom = min(box[0] for box in boxes), min(box[1] for box in boxes)
            right = max(box[2] for box in boxes)
            yield _PdfLine(match[0].strip(), left, right, bottom, size_of(layer.raw, boxed[0]))


_HYPHEN = re.compile(r"([^\W\d_]+)[\ufffe\x02]([^\W\d_]+)")  # pdfium's mark of a word cut at a line's end
_PDF_END = re.compile(r"[.!?:…][\"'”’)\]]*$")


def _pdf_paragraphs(lines: list[_PdfLine]) -> str:
    """Return the paragraphs with a blank line between.

    A cut word keeps its hyphen only where the document has it with a hyphen elsewhere.
    A line begins a new one when it stands further below the last than lines do, is indented, is set larger or
    smaller, or when the last ended a sentence well before the margin.
    """
    steps = [one.bottom - two.bottom for one, two in pairwise(lines) if one.bottom > two.bottom]
    step = sorted(steps)[len(steps) // 3] if steps else 0.0  # of lines in one paragraph: the smaller steps
    margin = statistics.quantiles([line.right for line in lines], n=10)[-1] if len(lines) > 1 else 0.0
    written = ""
    before: _PdfLine | None = None
    for line in lines:
        if before is None:
            written = line.text
        elif written[-1] in "\ufffe\x02":
            written += line.text
        else:
            written += ("\n\n" if _new_paragraph(before, line, step, margin) else " ") + line.text
        before = line
    whole = frozenset(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", written))
    uncut = _HYPHEN.sub(lambda cut: f"{cut[1]}-{cut[2]}" if f"{cut[1]}-{cut[2]}" in whole else cut[1] + cut[2], written)
    return re.sub(r"[\ufffe\x02]", "-", uncut) + "\n"


def _new_paragraph(before: _PdfLine, line: _PdfLine, step: float, margin: float) -> bool:
    if not step or (line.bottom > before.bottom):  # no places; or the next column or page
        return _PDF_END.search(before.text) is not None and not line.text[0].islower()
    if line.text[0].islower() and before.bottom - line.bottom < 2 * step:
        return False
    if before.bottom - line.bottom > 1.35 * step or abs(line.size - before.size) > 0.1 * before.size:
        return True
    ended = _PDF_END.search(before.text) is not None
    short = before.right < margin - 0.1 * (margin - before.left)
    indented = line.left > before.left + 0.5 * line.size
    return (ended and (short or indented)) or line.text[0] in "•◦▪‣"


# --- web --------------------------------------------------------------------------------------------------------------


def _download(address: str) -> tuple[bytes, str]:
    """Return what a web address holds and the suffix its kind would have as a file."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.parse import quote
    from urllib.request import Request, urlopen

    try:
        spelled = quote(address, safe=":/?#[]@!$&'()*+,;=%~")  # an address may be written with accents or spaces
        request = Request(spelled, headers={"User-Agent": "article-qa", "Accept": "text/html,*/*;q=0.8"})
        with urlopen(request, timeout=TIMEOUT) as reply:
            kind, charset = reply.headers.get_content_type(), reply.headers.get_content_charset()
            content: bytes = reply.read(LARGEST_FILE + 1)
    except HTTPError as error:
        error.close()
        raise UnreachableArticle(
            f"{address}: the server answered {error.code} {error.reason}. Check the address, or paste the text."
        ) from error
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = " ".join(str(getattr(error, "reason", None) or error).split())
        raise UnreachableArticle(
            f"{address}: cannot be reached ({reason}). Check the address and the network, or paste the text."
        ) from error
    if kind.startswith("text/"):
        content = _recoded(content, charset)  # said outside the page, so it would be lost
    suffix = _KINDS.get(kind)
    if suffix is None and not content.startswith((b"%PDF-", b"PK\x03\x04")):
        raise UnreadableArticle(
            f"{address}: not a web page but {kind}. Give the address of an article, or paste the text."
        )
    return content, suffix or ""


_KINDS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
