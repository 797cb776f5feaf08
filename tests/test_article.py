"""index/article.py: a file, page or text in; the article that comes out, or the one line that refuses it."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.article
from index.article import Article, article_from_paste, article_from_text, builtin_article, read_article
from index.errors import (
    ArticleTooLarge,
    EmptyArticle,
    MissingExtra,
    NoSuchArticle,
    UnreachableArticle,
    UnreadableArticle,
    UserError,
)
from index.sentences import split_sentences

DATA = Path(__file__).parent / "data"
HEADLINE = "Ferry runs aground off Tarn Point"
FIRST = "A car ferry with 112 people aboard ran aground off Tarn Point on Tuesday night."
STORY = [FIRST, "Nobody was hurt.", "“We felt a bump.", "Then the lights went out,” said Dr. Ana Ruiz, a passenger."]


def sentences(article: Article) -> list[str]:
    return [sentence.text for sentence in split_sentences(article.text)]


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


# --- canonical text ---------------------------------------------------------------------------------------------------


def test_newlines_of_every_system_and_a_byte_order_mark_give_the_same_article() -> None:
    plain = article_from_text("One.\n\nTwo.\nThree.")
    for text in (
        "\ufeffOne.\r\n\r\nTwo.\r\nThree.",
        "One.\r\rTwo.\rThree.",
        "One.\n\nTwo.\u2028Three.",
        "One.\fTwo.\nThree.",
    ):
        assert article_from_text(text) == plain
    assert plain.fingerprint == hashlib.sha256(plain.text.encode()).hexdigest()


def test_only_newlines_and_the_mark_are_touched() -> None:
    text = "  Cafe\u0301 \u00a0“x”\t👩‍👩‍👧 \u200b好。\n\n\n end  \n"
    assert article_from_text(text).text == text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=100))
def test_a_text_is_refused_or_made_canonical_once_and_for_all(text: str) -> None:
    try:
        article = article_from_text(text)
    except EmptyArticle:
        assert not any(map(str.isalnum, text))
        return
    assert article_from_text(article.text).fingerprint == article.fingerprint
    assert all(article.text[s.start : s.end] == s.text for s in split_sentences(article.text))
    assert not set(article.text) & set("\r\f\v\x85\u2028\u2029")


def test_half_a_character_does_not_break_the_fingerprint() -> None:
    assert article_from_text("a \ud83d b").text == "a \ufffd b"


@pytest.mark.parametrize("text", ["", " \n\t", "\ufeff", "... — !?", "***\n---"])
def test_a_text_without_a_letter_has_no_sentence(text: str) -> None:
    with pytest.raises(EmptyArticle, match=r"pasted text: .*Give an article"):
        article_from_text(text)


def test_a_text_over_the_limit_is_refused_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.article, "LARGEST_TEXT", 10)
    with pytest.raises(ArticleTooLarge, match="11 characters, and at most 10"):
        article_from_text("Hello there")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"{HEADLINE}\n\n{FIRST}", HEADLINE),
        (f"{FIRST}\n\nNobody was hurt.", "A car ferry with 112 people aboard ran aground off Tarn…"),
        ("Nobody was hurt.", "Nobody was hurt."),
    ],
)
def test_the_title_of_a_pasted_text_is_its_headline_or_how_it_begins(text: str, title: str) -> None:
    assert article_from_text(text).title == title
    assert article_from_text(text, title="Mine").title == "Mine"


MAIL = (
    "From: Ann Lee <ann@lock.example>\nSent: Friday, May 17, 2024 8:30 AM\nTo: Bob Ray;\n Ines Mora\n"
    "Subject: The lock is\n shut\n"
)


def test_the_subject_of_an_e_mail_is_its_title_and_its_lines_stay_sentences_of_their_own(tmp_path: Path) -> None:
    text = f"{MAIL}\n{FIRST}\nNobody was hurt.\n"
    for article in (article_from_paste(text), read_article(written(tmp_path, "a saved mail.txt", text))):
        assert article.title == "The lock is shut"
        assert article.text == text
        assert "Sent: Friday, May 17, 2024 8:30 AM" in sentences(article)
        assert sentences(article)[-2:] == [FIRST, "Nobody was hurt."]


@pytest.mark.parametrize(
    "text",
    [
        "Subject: the lock.\n\nIt is shut.\n",
        "Ann Lee writes:\nFrom: Ann\nSubject: The lock\n\nIt is shut.\n",
        "From: Ann\nTo: Bob\nSubject: \n\nIt is shut.\nSubject: The lock\n",
    ],
    ids=["one line", "not at the top", "no subject"],
)
def test_a_subject_elsewhere_than_in_the_lines_above_an_e_mail_is_no_title(text: str) -> None:
    assert article_from_paste(text).title == text.partition("\n")[0]


def test_the_built_in_article_has_a_headline_and_sentences() -> None:
    article = builtin_article()
    assert article.source == "built-in article"
    assert article.text.startswith(article.title)
    assert len(split_sentences(article.text)) > 20


# --- kinds of file ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ferry.pdf", "ferry.docx", "ferry.html"])
def test_every_kind_of_document_gives_the_headline_and_the_sentences(name: str) -> None:
    article = read_article(DATA / name)
    assert sentences(article)[:5] == [HEADLINE, *STORY]
    assert article.title == ("Ferry aground" if name == "ferry.pdf" else HEADLINE)
    assert article.source == str(DATA / name)


def test_a_web_page_loses_its_menu_and_footer_and_keeps_its_list() -> None:
    found = sentences(read_article(DATA / "ferry.html"))
    assert found.count(HEADLINE) == 1
    assert "- Hurt: none" in found
    assert not any("Cookie" in text or "Sport" in text for text in found)


def test_a_word_document_keeps_its_list_and_its_table() -> None:
    assert sentences(read_article(DATA / "ferry.docx"))[-3:] == ["- Aboard: 112", "- Hurt: none", "Length | 48 metres"]


def test_a_table_in_a_word_document_keeps_equal_and_empty_cells_in_their_columns(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    document.add_paragraph("The table of the league.")
    rows = [("Team", "Won", "Lost", "Drawn"), ("Arsenal", "2", "2", "1"), ("Leeds", "", "3", "3"), ("", "", "", "")]
    table = document.add_table(rows=0, cols=4)
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    merged = table.add_row().cells
    merged[0].merge(merged[3]).text = "As of May"
    document.save(str(tmp_path / "league.docx"))
    text = read_article(tmp_path / "league.docx").text
    assert "Team | Won | Lost | Drawn\nArsenal | 2 | 2 | 1\nLeeds |  | 3 | 3\nAs of May" in text


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (
            "<w:p>{Ann Lee left }<w:ins w:id='1' w:author='A'>{on Monday}</w:ins><w:del w:id='2' w:author='A'>"
            "<w:r><w:delText>on Sunday</w:delText></w:r></w:del>{ by train.}</w:p>",
            "Ann Lee left on Monday by train.",
        ),
        (
            "<w:p>{The price was }<w:sdt><w:sdtPr/><w:sdtContent>{12<w:tab/>pounds}</w:sdtContent></w:sdt>{.}</w:p>",
            "The price was 12\tpounds.",
        ),
        (
            "<w:p>{She sails on }<w:fldSimple w:instr='DATE'>{2 May}</w:fldSimple>{ to }<w:smartTag w:element='place'>"
            "<w:ins w:id='1' w:author='A'>{Tarn Point}</w:ins></w:smartTag>{.}</w:p>",
            "She sails on 2 May to Tarn Point.",
        ),
        (
            "<w:moveFrom w:id='1' w:author='A'><w:p>{It rained.}</w:p></w:moveFrom><w:sdt><w:sdtContent>"
            "<w:p>{It was cold.}</w:p><w:sdt><w:sdtContent><w:p>{It snowed.}</w:p></w:sdtContent></w:sdt>"
            "</w:sdtContent></w:sdt><w:moveTo w:id='2' w:author='A'><w:p>{It rained.}</w:p></w:moveTo>",
            "It was cold.\n\nIt snowed.\n\nIt rained.",
        ),
        (
            "<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj></w:sdtPr>"
            "<w:sdtContent><w:p>{The lock 3}</w:p></w:sdtContent></w:sdt><w:p>{The lock is old.}</w:p>",
            "The lock is old.",
        ),
        (
            "<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid><w:sdt><w:sdtContent><w:tr>"
            "<w:tc><w:p>{Cargo}</w:p></w:tc><w:sdt><w:sdtContent><w:tc><w:p>{By weight:}</w:p><w:tbl><w:tblPr/>"
            "<w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid><w:tr><w:tc><w:p>{coal}</w:p></w:tc><w:tc>"
            "<w:p>{9 tons}</w:p></w:tc></w:tr></w:tbl><w:p/></w:tc></w:sdtContent></w:sdt></w:tr>"
            "</w:sdtContent></w:sdt></w:tbl>",
            "Cargo | By weight:\ncoal | 9 tons",
        ),
        (
            "<w:p>{She left }<w:r><w:ruby><w:rubyPr/><w:rt>{とうきょう}</w:rt><w:rubyBase>{東}"
            "<w:ins w:id='1' w:author='A'>{京}</w:ins></w:rubyBase></w:ruby></w:r>{ by train.}</w:p>",
            "She left 東京 by train.",
        ),
        (
            "<w:p>{It rained}<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:wsp>"
            "[<w:p>{A pump failed.}</w:p><w:p>{It was old.}</w:p>]</wps:wsp>"
            "<wps:wsp>[<w:p>{Nobody knew.}</w:p>]</wps:wsp></w:drawing></mc:Choice>"
            "<mc:Fallback><w:pict>[<w:p>{A pump failed.}</w:p><w:p>{It was old.}</w:p>]"
            "[<w:p>{Nobody knew.}</w:p>]</w:pict></mc:Fallback></mc:AlternateContent></w:r>{ all day.}</w:p>"
            "<w:p>{Then it stopped.}</w:p>",
            "It rained all day.\n\nA pump failed.\n\nIt was old.\n\nNobody knew.\n\nThen it stopped.",
        ),
        (
            "<w:p><w:r><w:pict>[<w:p>{A pump }<w:r><w:pict>[<w:p>{Made in 1900.}</w:p>]</w:pict></w:r>{failed.}</w:p>]"
            "</w:pict></w:r></w:p><w:p><w:del w:id='1' w:author='A'><w:r><w:pict>[<w:p>{Not so.}</w:p>]</w:pict></w:r>"
            "</w:del>{It rained.}</w:p>",
            "A pump failed.\n\nMade in 1900.\n\nIt rained.",
        ),
        (
            "<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/></w:tblGrid><w:tr><w:tc><w:p>{Cargo}<w:r><w:pict>"
            "[<w:p>{coal}</w:p>]</w:pict></w:r></w:p></w:tc></w:tr></w:tbl>",
            "Cargo\ncoal",
        ),
        (
            "<w:p>{Well done }<w:r><mc:AlternateContent><mc:Choice Requires='w16se'/><mc:Fallback><w:t>😊</w:t>"
            "</mc:Fallback></mc:AlternateContent></w:r>{.}</w:p>",
            "Well done 😊.",
        ),
    ],
    ids=[
        *("insertion", "control", "field", "blocks", "contents", "table"),
        *("reading", "boxes", "box in a box", "box in a table", "only the second alternative has text"),
    ],
)
def test_a_word_document_keeps_what_stands_in_changes_controls_boxes_and_tables_within_tables(
    tmp_path: Path, xml: str, text: str
) -> None:
    """In the XML {x} is a run of the text x, and [x] a text box of the paragraphs x."""
    runs = xml.replace("<w:tab/>", "</w:t><w:tab/><w:t>")
    runs = runs.replace("{", "<w:r><w:t xml:space='preserve'>").replace("}", "</w:t></w:r>")
    runs = runs.replace("[", "<wps:txbx><w:txbxContent>").replace("]", "</w:txbxContent></wps:txbx>")
    with zipfile.ZipFile(DATA / "ferry.docx") as whole, zipfile.ZipFile(tmp_path / "a.docx", "w") as changed:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "word/document.xml":
                content = (
                    "<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main' "
                    "xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006' "
                    "xmlns:wps='http://schemas.microsoft.com/office/word/2010/wordprocessingShape'>"
                    f"<w:body>{runs}</w:body></w:document>"
                ).encode()
            changed.writestr(name, content)
    assert read_article(tmp_path / "a.docx").text == text + "\n"


@pytest.mark.parametrize("xml", [b"<w:document", b""])
def test_a_word_document_that_breaks_off_is_refused_in_plain_words(tmp_path: Path, xml: bytes) -> None:
    with zipfile.ZipFile(DATA / "ferry.docx") as whole, zipfile.ZipFile(tmp_path / "a.docx", "w") as broken:
        for name in whole.namelist():
            broken.writestr(name, xml if name == "word/document.xml" else whole.read(name))
    with pytest.raises(UnreadableArticle, match="not a Word document, or a damaged one"):
        read_article(tmp_path / "a.docx")


def test_markdown_between_two_rules_is_text_and_deep_lists_keep_their_items(tmp_path: Path) -> None:
    text = "---\n\nThe mayor resigned on Monday.\n\n---\n\nIt rained.\n"
    assert "The mayor resigned" in read_article(written(tmp_path, "a.md", text)).text
    deep = "\n".join(f"{'  ' * level}- item number {level}" for level in range(15))
    found = read_article(written(tmp_path, "b.md", f"A list.\n\n{deep}\n")).text
    assert all(f"item number {level}" in found for level in range(15))


def test_pasted_markdown_is_read_without_its_markup() -> None:
    article = article_from_paste("# The lock\n\nIt was **old** and\n[leaked](https://lock.example).\n")
    assert (article.title, article.text) == ("The lock", "The lock\n\nIt was old and leaked.\n")


def test_a_heading_far_down_is_not_the_title_of_what_is_pasted() -> None:
    article = article_from_paste("The lock is old.\n\nIt was built in 1900.\n\n## Comments\n\nNice one.\n")
    assert article.title == "The lock is old."
    assert "#" not in article.text


@pytest.mark.parametrize(
    "text",
    [
        "#lock is shut.\n\nIt *may* open.",
        "The lock\n\nNo. 1\n# 2 is shut.",
        "It cost 2*3*4, see [there](https://lock.example)\nWidth: 5",
        "[" * 20_000,
        "# " * 20_000,
    ],
)
def test_pasted_text_that_is_not_markdown_stays_as_it_is(text: str) -> None:
    if any(map(str.isalnum, text)):
        assert article_from_paste(text) == article_from_text(text)
    else:
        with pytest.raises(EmptyArticle, match="pasted text"):
            article_from_paste(text)


def test_markdown_is_read_without_its_markup(tmp_path: Path) -> None:
    text = (
        "---\nlayout: post\n---\n# The *Tarn*\n\nShe [sails](http://a.org) **daily**\nat `noon`. It is\nfree.\n\n"
        "- life jackets\n- flares\n  1. red\n\n> Quoted.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "<!-- no -->\n\n![A boat](b.png)\n"
    )
    article = read_article(written(tmp_path, "a.md", text))
    assert article.title == "The Tarn"
    assert article.text == (
        "The Tarn\n\nShe sails daily at noon. It is free.\n\n- life jackets\n- flares\n1. red\n\nQuoted.\n\n"
        "a | b\n1 | 2\n\nA boat\n"
    )


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("Paris,<br/>Texas and<br>Rome", "Paris,\nTexas and\nRome"),
        ("Paris, <BR />\nTexas", "Paris,\nTexas"),
        ("[The mayor ](x)left town. See[ the mill](x)", "The mayor left town. See the mill"),
        ("| a | b |\n|---|---|\n| Paris,<br>Texas | [2 ](x) |", "a | b\nParis, Texas | 2"),
        ("<div>Marks &amp; Spencer&nbsp;said &lt;no&gt;.</div>", "Marks & Spencer said <no>."),
        ("One.\n\n<script type='a'>\nlet x = 1 < 2;\n\nf(x)\n</script>\n\nTwo.", "One.\n\nTwo."),
        ("One.\n\n<div><STYLE>p > b {color: red}</STYLE>Two.</div>\n", "One.\n\nTwo."),
        ("One.\n\n<script>\nf(x)\n", "One."),
    ],
)
def test_markup_in_markdown_neither_glues_words_nor_is_read(tmp_path: Path, markdown: str, text: str) -> None:
    assert read_article(written(tmp_path, "a.md", markdown)).text == text + "\n"


def test_a_text_file_is_its_own_canonical_text_and_named_after_its_file(tmp_path: Path) -> None:
    article = read_article(str(written(tmp_path, "my story.txt", f"{FIRST}\r\nNobody was hurt.\r\n")))
    assert article.text == f"{FIRST}\nNobody was hurt.\n"
    assert article.title == "my story"


def test_a_file_whose_name_is_one_word_is_titled_by_how_it_begins(tmp_path: Path) -> None:
    assert read_article(written(tmp_path, "article.txt", "It rained.\nThen it stopped.\n")).title == "It rained."


def test_a_file_is_known_by_its_content_when_its_name_says_nothing(tmp_path: Path) -> None:
    for name in ("ferry.pdf", "ferry.docx", "ferry.html"):
        assert sentences(read_article(written(tmp_path, "download", (DATA / name).read_bytes())))[:2] == [
            HEADLINE,
            FIRST,
        ]


@pytest.mark.parametrize(
    "before",
    [
        "<?xml version='1.0' encoding='utf-8'?>\n",
        "<!-- saved from url=(0019)https://lock.example -->\r\n\r\n<!-- > -->",
    ],
)
def test_a_web_page_is_known_behind_a_declaration_and_comments(tmp_path: Path, before: str) -> None:
    page = before + (DATA / "ferry.html").read_text(encoding="utf-8")
    assert sentences(read_article(written(tmp_path, "download", page)))[:5] == [HEADLINE, *STORY]


def test_a_text_of_nothing_but_comments_is_told_from_a_web_page_at_once(tmp_path: Path) -> None:
    assert read_article(written(tmp_path, "download", "<!-- a -->" * 3_000)).text.startswith("<!-- a -->")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_a_web_page_is_known_in_whatever_encoding_it_marks_or_utf16(tmp_path: Path, encoding: str) -> None:
    page = (DATA / "ferry.html").read_text(encoding="utf-8").encode(encoding)
    assert sentences(read_article(written(tmp_path, "download", page)))[:5] == [HEADLINE, *STORY]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_is_decoded_whatever_a_western_program_wrote(tmp_path: Path, encoding: str) -> None:
    text = "“Café” – naïve."
    assert read_article(written(tmp_path, "a.txt", text.encode(encoding))).text == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_known_by_a_beginning_that_is_cut_within_a_letter(
    tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 10th byte is the second of the four of the boat."""
    monkeypatch.setattr(index.article, "_SNIFFED", 10)
    assert read_article(written(tmp_path, "a.txt", "Boat🚤 — naïve.".encode(encoding))).text == "Boat🚤 — naïve."


@pytest.mark.parametrize(
    ("content", "text", "damage"),
    [
        (
            "«The café» “shut” é".encode()[:-1],
            "«The café» “shut” \ufffd",
            r"one letter in it is damaged \(.* byte 25\)",
        ),
        ("The café and the tél".encode()[:-2], "The café and the t\ufffd", "one letter"),
        (b"It\xe2\x80\x99s the caf\xc3\xa9, \xffshe said.", "It’s the café, \ufffdshe said.", "one letter"),
        ("naïve ".encode() * 9 + b"\xe9 \xe9", "naïve " * 9 + "\ufffd \ufffd", "2 letters in it are damaged"),
    ],
)
def test_a_damaged_byte_leaves_the_rest_of_utf8_as_it_is_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, text: str, damage: str
) -> None:
    path = written(tmp_path, "a.txt", content)
    assert read_article(path).text == text
    (said,) = caplog.messages
    assert re.match(rf"{re.escape(str(path))}: this is UTF-8, but {damage}.*save it again as UTF-8\.$", said)


@pytest.mark.parametrize("text", ["„Viel Spaß“, sagte er.", "It rained. The café", "« CAFÉ » «CAFÉ»: fermé"])
def test_windows_text_with_what_could_be_a_letter_of_utf8_is_still_windows_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """In Windows-1252 “ß” and a closing quote, and “É” and “»”, are the two bytes of a sound letter in UTF-8."""
    assert read_article(written(tmp_path, "a.txt", text.encode("cp1252"))).text == text
    assert caplog.messages == []


def test_a_web_page_cut_within_a_letter_keeps_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    page = (DATA / "ferry.html").read_bytes().partition(b"</article>")[0] + "<p>She owns a café".encode()[:-1]
    found = sentences(read_article(written(tmp_path, "a.html", page)))
    assert found[1:5] == STORY
    assert len(caplog.messages) == 1


def e_mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in headers.items():
        message[name] = value
    message.set_content("“Nobody was hurt,” said Ann.\n", cte="base64")
    return message


@pytest.mark.parametrize("name", ["a saved mail.eml", "download"])
def test_an_e_mail_gives_its_lines_and_its_plain_text_and_not_its_attachments(tmp_path: Path, name: str) -> None:
    message = e_mail(
        Received="by lock.example",
        Subject="The café is shut",
        From="Inés <i@a.org>",
        Date="Fri, 17 May 2024 23:30:00 -0500",
    )
    message.add_alternative("<p>Another text.</p>", subtype="html")
    message.add_attachment("A log.\n", filename="log.txt")
    article = read_article(written(tmp_path, name, message.as_bytes()))
    assert article.text == (
        "From: Inés <i@a.org>\nDate: Fri, 17 May 2024 23:30:00 -0500\nSubject: The café is shut\n\n"
        "“Nobody was hurt,” said Ann.\n"
    )
    assert (article.title, article.date) == ("The café is shut", "2024-05-17")


def test_an_e_mail_of_nothing_but_a_page_with_pictures_is_read_as_the_page(tmp_path: Path) -> None:
    message = e_mail(Subject="The lock")
    message.set_content("<html><body><p>Nobody was hurt.</p><p>The café is shut.</p></body></html>", subtype="html")
    message.add_related(b"\x89PNG", "image", "png")
    article = read_article(written(tmp_path, "a.eml", message.as_bytes()))
    assert article.text == "Subject: The lock\n\nNobody was hurt.\n\nThe café is shut.\n"


@pytest.mark.parametrize("charset", ["us-ascii", "klingon", "hex"])
def test_an_e_mail_that_states_a_wrong_encoding_is_decoded_as_any_text(tmp_path: Path, charset: str) -> None:
    content = f"Subject: x\nContent-Type: text/plain; charset={charset}\n\nThe café is shut.".encode()
    assert read_article(written(tmp_path, "a.eml", content)).text == "Subject: x\n\nThe café is shut."


@pytest.mark.parametrize("header", ["To: <ann@", 'To: "x" <@a,', "To: a:b@c", "Date: Fri, 17 May 99999999999 08:30"])
def test_a_badly_written_header_leaves_the_rest_of_an_e_mail_as_it_is(tmp_path: Path, header: str) -> None:
    article = read_article(written(tmp_path, "a.eml", f"{header}\nSubject: The lock\n\nIt is shut.\n"))
    assert article.text == f"{header}\nSubject: The lock\n\nIt is shut.\n"
    assert article.date is None


def test_standard_input_is_an_article() -> None:
    code = "from index import read_article; a = read_article('-'); print(ascii((a.text, a.source)))"
    given = "“Hello.”\r\nYes.".encode()
    ran = subprocess.run([sys.executable, "-c", code], input=given, capture_output=True, check=True)
    assert ran.stdout.decode().strip() == ascii(("“Hello.”\nYes.", "standard input"))


# --- bad input --------------------------------------------------------------------------------------------------------

MHTML = (
    b"From: <Saved by Blink>\r\nSubject: The lock\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n"
    b"\ttype=text/html; boundary=x\r\n\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>It=20rained.</p>\r\n--x--\r\n"
)


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("a.txt", b"", EmptyArticle, "the file is empty"),
        ("a.txt", b" \n ", EmptyArticle, "no text in it"),
        ("a.txt", b"?!\n...", EmptyArticle, "only punctuation"),
        ("a.txt", b"\x7fELF\0\0\1", UnreadableArticle, "not text but binary"),
        ("a.txt", b"Hello world\0" * 3, UnreadableArticle, "not text but binary"),  # were it UTF-16: Chinese
        ("a.txt", b"".join(n.to_bytes(2, "big") for n in range(256)), UnreadableArticle, "not text but binary"),
        ("a.txt", "It rained.".encode("utf-32-le"), UnreadableArticle, "not text but binary"),
        ("a.txt", b"\0", UnreadableArticle, "not text but binary"),
        ("a.txt", "It rained.\n".encode("utf-16-le")[:-1], UnreadableArticle, "begins as UTF-16-LE but is damaged"),
        ("a.txt", b"a\1\2\3b", UnreadableArticle, "not text but binary"),
        ("a.txt", b"caf\xe9 \x81", UnreadableArticle, "neither UTF-8, nor UTF-16 .* nor Windows-1252"),
        ("a.txt", b"\xff\xfea\0b", UnreadableArticle, "begins as UTF-16 but is damaged"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0", UnreadableArticle, "not text but binary"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1", UnreadableArticle, "old Word document, or an encrypted one"),
        ("a.rtf", b"{\\rtf1\\ansi It rained.}", UnreadableArticle, r"rich text \(RTF\).* save it as \.docx or \.txt"),
        ("a.docx", b"{\\rtf1\\ansi It rained.}", UnreadableArticle, r"rich text \(RTF\)"),
        ("a.mhtml", MHTML, UnreadableArticle, r"one file \(MHTML\).* save it as \.html"),
        ("download", MHTML, UnreadableArticle, r"one file \(MHTML\)"),
        ("a.eml", b"Subject: x\nContent-Type: image/png\n\nabcd", EmptyArticle, "no text in this e-mail"),
        ("a.eml", b"Content-Type: text/plain; charset*=a\0'b'c\n\nIt rained.", UnreadableArticle, "a damaged e-mail"),
        ("a.eml", b"Content-Transfer-Encoding: base64\n\nAAECAwQF", UnreadableArticle, "not text but binary"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1", UnreadableArticle, "encrypted with a password, or an old .doc"),
        ("a.docx", b"hello", UnreadableArticle, "not a Word document"),
        ("a.docx", b"PK\x03\x04 broken", UnreadableArticle, "not a Word document, or a damaged one"),
        ("a.pdf", b"hello", UnreadableArticle, "not a PDF"),
        ("a.pdf", b"%PDF-1.4\nbroken", UnreadableArticle, "not a PDF, or a damaged one"),
        ("a.html", b"<html><body></body></html>", EmptyArticle, "no article was found"),
        ("a.md", b"<!-- nothing -->", EmptyArticle, "no text in it"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_that_names_it(
    tmp_path: Path, name: str, content: bytes, error: type[UserError], message: str
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(error, match=message) as refused:
        read_article(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_zip_that_is_no_word_document_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(UnreadableArticle, match="not a Word document"):
        read_article(written(tmp_path, "a.zip", packed.getvalue()))


def test_an_encrypted_pdf_and_one_of_pictures_are_told_apart() -> None:
    with pytest.raises(UnreadableArticle, match="encrypted with a password"):
        read_article(DATA / "locked.pdf")
    with pytest.raises(UnreadableArticle, match=r"no text layer \(1 page of pictures\)"):
        read_article(DATA / "picture.pdf")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NoSuchArticle, match="there is no such file"):
        read_article(tmp_path / "none.txt")
    with pytest.raises(NoSuchArticle, match="this is a folder"):
        read_article(tmp_path)
    with pytest.raises(UserError):
        read_article("a\0b.txt")


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.article, "LARGEST_FILE", 3_000_000)
    with pytest.raises(ArticleTooLarge, match="larger than 3 MB"):
        read_article(written(tmp_path, "a.txt", b"a" * 3_000_001))


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [
        ("ferry.pdf", "pypdfium2", "documents"),
        ("ferry.docx", "docx", "documents"),
        ("ferry.html", "trafilatura", "web"),
    ],
)
def test_without_its_library_a_file_names_the_extra_to_install(
    name: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # what Python does for a library that is not there
    with pytest.raises(MissingExtra, match=rf"pip install 'article-qa\[{extra}\]'"):
        read_article(DATA / name)


# --- web --------------------------------------------------------------------------------------------------------------


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        kinds = {
            "ferry.html": "text/html; charset=utf-8",
            "ferry.pdf": "application/octet-stream",
            "a.txt": "text/plain",
            "greek.txt": "text/plain; charset=iso-8859-7",
        }
        if name == "moved":
            self.send_response(302)
            self.send_header("Location", "/ferry.html")
            self.end_headers()
            return
        content = {
            "a.txt": "“Héllo.”".encode(),
            "greek.txt": "Καλημέρα.".encode("iso-8859-7"),
            "photo": b"\x89PNG\0",
            "data": b"{}",
        }.get(name)
        if content is None and name in kinds:
            content = (DATA / name).read_bytes()
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kinds.get(name, "image/png" if name == "photo" else "application/json"))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("page", ["ferry.html", "moved", "ferry.pdf"])
def test_a_web_address_is_read_as_what_it_holds(site: str, page: str) -> None:
    article = read_article(f"{site}/{page}")
    assert sentences(article)[:2] == [HEADLINE, FIRST]
    assert article.source == f"{site}/{page}"


def test_a_plain_text_address_is_read(site: str) -> None:
    assert read_article(f"{site}/a.txt").text == "“Héllo.”"


def test_the_encoding_a_server_states_is_believed(site: str) -> None:
    assert read_article(f"{site}/greek.txt").text == "Καλημέρα."


@pytest.mark.parametrize(
    ("page", "error", "message"),
    [
        ("none", UnreachableArticle, "answered 404"),
        ("photo", UnreadableArticle, "not a web page but image/png"),
        ("data", UnreadableArticle, "not a web page but application/json"),
    ],
)
def test_an_address_without_an_article_is_refused_in_one_line(
    site: str, page: str, error: type[UserError], message: str
) -> None:
    with pytest.raises(error, match=message) as refused:
        read_article(f"{site}/{page}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "http://", "http://[", "https://a b/"])
def test_an_address_that_does_not_answer_is_refused(address: str) -> None:
    with pytest.raises(UnreachableArticle, match="cannot be reached"):
        read_article(address)


# --- dates ------------------------------------------------------------------------------------------------------------

PUBLISHED = '<meta property="article:published_time" content="2024-05-17T08:30:00+02:00">'
LINKED = '<script type="application/ld+json">{"@type": "NewsArticle", "datePublished": "2023-11-02"}</script>'
TIMED = '<time datetime="2022-01-05">5 January</time>'


@pytest.mark.parametrize(
    ("head", "before", "date"),
    [
        (PUBLISHED, "", "2024-05-17"),
        (PUBLISHED, TIMED, "2024-05-17"),
        (LINKED, "", "2023-11-02"),
        ("", TIMED, "2022-01-05"),
        ("", "", None),
        ('<meta property="article:published_time" content="yesterday">', "", None),
    ],
)
def test_the_date_of_a_web_page_is_the_one_it_states_and_never_one_that_its_text_mentions(tmp_path, head, before, date):
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><html><head><title>Ferry</title>{head}</head><body><article><h1>Ferry aground</h1>{before}"
        "<p>A car ferry with 112 people aboard ran aground off Tarn Point on 3 March 2019. Nobody was hurt at all.</p>"
        "<p>We felt a bump, said a passenger. Then all the lights went out, and the coastguard came at nine.</p>"
        "</article><footer>Copyright 2021. Printed on 12 June 2020.</footer></body></html>",
        encoding="utf-8",
    )
    assert read_article(page).date == date
