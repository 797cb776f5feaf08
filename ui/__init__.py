"""Answers and articles come in; what the page shows of them goes out, as escaped HTML and plain words.

    library         which articles are open, and their answerers; several people at once
    line, waiting   whose turn it is; what a person is told who must wait
    archive         a library of many articles -> its contents, its articles, and answers out of it
    article_pane    Article -> the pane, each sentence findable by its row
    conversation    exchanges -> the chat, newest last
    suggestions     Answerer -> example questions that it answers
    programs        what programs and assistants may call
    cite            answer -> plain text, Markdown or JSON to take away
    words           numbers -> plain words
    page.css/.js    how it looks; how the light moves (no Python is asked for that)

Nothing here imports gradio: app.py lays out and wires what these files draw.
"""
