// Moves the light in the article, fills the question box and copies answers. Texts are only ever set as text.
(() => {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const sheet = () => document.querySelector("#article .sheet");
  const sentence = (row) => sheet()?.querySelector(`.s[data-row="${Number(row)}"]`);
  let lit = [];  // sentences that carry any mark now
  let awaited = null;  // what to light when its article has come
  let read = "";  // the article in the pane
  let again = {};  // what was lit last: its turn, row and article
  let heard = "";  // what was last said of a wait or a note
  let framed = null;  // the report that was last brought into sight
  let shown = "";  // the turn whose light is on

  const dark = () => {
    for (const one of lit) {
      if (one.querySelector("mark")) one.textContent = one.textContent;
      one.classList.remove("lit", "grey", "rival");
      one.removeAttribute("aria-current");
    }
    lit = [];
    for (const button of document.querySelectorAll("button[data-row].on")) button.classList.remove("on");
  };

  // Offsets count characters as Python does; a JavaScript string counts an emoji as two.
  const mark = (one, from, to) => {
    const characters = Array.from(one.textContent);
    const strong = document.createElement("mark");
    strong.textContent = characters.slice(from, to).join("");
    one.replaceChildren(characters.slice(0, from).join(""), strong, characters.slice(to).join(""));
  };

  // Not scrollIntoView, which would also move the page around the pane.
  const bring = (one, pane, where, behavior) => {
    const around = document.querySelector(pane);
    if (!around) return;
    const [inner, outer] = [one.getBoundingClientRect(), around.getBoundingClientRect()];
    const above = around.querySelector(".tools")?.offsetHeight ?? 0;  // stays in sight, and must not cover it
    const spare = where === "center" ? Math.max(0, (outer.height - inner.height) / 2) : above + 16;
    around.scrollTo({ top: around.scrollTop + inner.top - outer.top - spare, behavior });
  };

  // A runner-up may be of another article than the answer; then its button says which.
  const articleOf = (button, turn) => button.dataset.article ?? turn.dataset.article;

  const light = (turn, row, article = turn?.dataset.article) => {
    dark();
    if (!turn || !sheet()) return;
    if (article !== sheet().dataset.article) {  // the sentence is in another article: fetch that first
      if (row !== undefined) {
        awaited = { turn: turn.dataset.turn, row, article };
        tell("#shelf", { open: article });
      }
      return;
    }
    const home = article === turn.dataset.article;
    for (const rival of home ? (turn.dataset.rivals || "").split(" ").filter(Boolean) : []) {
      const one = sentence(rival);
      if (one) { one.classList.add("rival"); lit.push(one); }
    }
    const best = home ? turn.dataset.row : undefined;
    if (row === undefined) row = best;
    const one = row === undefined ? null : sentence(row);
    if (!one) return;
    one.classList.add("lit");
    one.setAttribute("aria-current", "true");
    lit.push(one);
    again = { turn: turn.dataset.turn, row, article };
    if (row === best && turn.classList.contains("no")) one.classList.add("grey");
    if (row === best && turn.dataset.from !== undefined) mark(one, Number(turn.dataset.from), Number(turn.dataset.to));
    for (const button of turn.querySelectorAll(`button.runner[data-row="${Number(row)}"]`)) {
      if (articleOf(button, turn) === article) button.classList.add("on");
    }
    const long = sheet().querySelectorAll("section").length > 1;
    bring(one, "#article", "center", long || still.matches ? "instant" : "smooth");
    if (long) settle(one, 30);
  };

  // Sections far away have an estimated height only; while those near the sentence are laid out, its place moves.
  const settle = (one, frames, quiet = 0) => {
    if (!frames || quiet > 5 || !lit.includes(one)) return;
    requestAnimationFrame(() => {
      const pane = document.querySelector("#article");
      const before = pane.scrollTop;
      bring(one, "#article", "center", "instant");
      settle(one, frames - 1, Math.abs(pane.scrollTop - before) < 2 ? quiet + 1 : 0);
    });
  };

  // Whoever goes on to something else waits for no answer any more (app.py stops looking for it): the question goes back
  // into the box, where nothing was typed since.
  const leave = () => {
    for (const one of document.querySelectorAll(".turn.pending")) {
      if (box() && !box().value) type(one.querySelector(".asked").textContent);
      one.remove();
    }
  };
  const tell = (id, detail) => { leave(); document.querySelector(`${id} [data-listens]`)?.dispatchEvent(new CustomEvent("tell", { bubbles: true, detail })); };

  const save = (form) => {
    const texts = [...document.querySelectorAll(`.turn [data-copy][data-form="${form}"]`)].map((button) => button.dataset.copy);
    const json = form === "JSON";
    const whole = json ? `[\n${texts.join(",\n")}\n]\n` : `${texts.join("\n\n---\n\n")}\n`;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([whole], { type: json ? "application/json" : "text/markdown" }));
    link.download = json ? "conversation.json" : "conversation.md";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say(`Saved as ${link.download}`);
  };

  const say = (text) => {
    let voice = document.getElementById("voice");
    if (!voice) {
      voice = document.createElement("div");
      voice.id = "voice";
      voice.className = "vh";
      voice.setAttribute("role", "status");
      document.body.append(voice);
    }
    voice.textContent = text;
  };

  const box = () => document.querySelector("#question textarea, #question input");
  const fill = (text) => {
    const field = box();
    const owner = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(owner.prototype, "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return field;
  };
  const type = (text) => fill(text).focus();

  // A first sign of life before Python has heard of the question.
  const pending = (question) => {
    const chat = document.querySelector("#conversation .chat");
    if (!chat || !question.trim()) return;
    const turn = document.createElement("section");
    turn.className = "turn pending";
    const asked = document.createElement("h2");
    asked.className = "asked";
    asked.dir = "auto";
    asked.textContent = question.slice(0, 1000);
    const short = document.createElement("p");
    short.className = "short";
    turn.append(asked, short);
    chat.append(turn);
    bring(turn, "#conversation", "start", "instant");
    say("Reading");
  };
  window.articleQA = {
    leave: (...all) => { leave(); return all; },
    pending: (question, ...rest) => {
      pending(String(question ?? ""));
      setTimeout(() => fill(""));  // now, not when the answer comes: the next question may have been typed by then
      return [question, ...rest];
    },
  };

  const copy = async (button, text) => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // no permission, or a page that is not on localhost or https
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    const result = done ? "Copied" : "Not copied: the browser does not allow it";
    button.dataset.label ??= button.textContent;  // a second click may come while the first one's word is still there
    button.textContent = result;
    say(result);
    setTimeout(() => { button.textContent = button.dataset.label; }, 1200);
  };

  const choose = (number) => {
    // The button that had the focus goes with the bar: it must not fall back to the beginning of the page.
    const left = document.querySelector(".chooser")?.closest(".turn")?.querySelector("[data-wrong]");
    if (number === null) left?.focus();
    document.body.classList.toggle("choosing", number !== null);
    document.body.dataset.wrong = number ?? "";
    document.querySelector(".chooser")?.remove();
    for (const one of document.querySelectorAll("#article .s")) {
      if (number === null) { one.removeAttribute("tabindex"); one.removeAttribute("role"); }
      else { one.tabIndex = 0; one.setAttribute("role", "button"); }
    }
    if (number === null) return;
    const turn = document.querySelector(`.turn[data-turn="${Number(number)}"]`);
    const bar = document.createElement("p");
    bar.className = "chooser actions";
    bar.append("Click the right sentence in the article, or: ");
    for (const [label, row] of [["It does not say", "-1"], ["Never mind", ""]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link";
      button.dataset.choice = row;
      button.textContent = label;
      bar.append(button, " ");
    }
    turn.append(bar);
    bring(bar, "#conversation", "center", "instant");
    bar.querySelector("button").focus();
    say("Choose the sentence that is right in the article, or press Escape.");
  };
  const chosen = (row) => {
    const number = Number(document.body.dataset.wrong);
    choose(null);
    if (row === "") return;
    tell("#conversation", { wrong: number, row: Number(row) });
  };

  // Escape closes what is open, the innermost first.
  const shut = (target) => {
    const folded = target.closest?.("details[open]");
    const another = document.querySelector("#another button.label-wrap.open");
    if (document.body.classList.contains("choosing")) choose(null);
    else if (folded) { folded.open = false; folded.querySelector("summary").focus(); }
    else if (another && target.closest?.("#another")) { another.click(); another.focus(); }
  };

  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("button, .s");
    if (!target) return;
    const data = target.dataset;
    if (target.classList.contains("s")) {
      if (document.body.classList.contains("choosing")) chosen(data.row);
    } else if (data.choice !== undefined) chosen(data.choice);
    else if (data.row !== undefined) { const turn = target.closest(".turn"); light(turn, data.row, articleOf(target, turn)); }
    else if (data.ask !== undefined) { type(data.ask); setTimeout(() => document.querySelector("#send").click(), 30); }
    else if (data.mend !== undefined) { type(data.mend); box().select(); }
    else if (data.copy !== undefined) copy(target, data.copy);
    else if (data.link !== undefined) {
      const url = new URL(location.pathname, location.origin);
      url.searchParams.set("article", data.link);
      url.searchParams.set("q", data.question);
      copy(target, url.href);
    } else if (data.wrong !== undefined) choose(data.wrong);
    else if (data.export !== undefined) save(data.export);
    else if (data.fresh !== undefined) tell("#conversation", { fresh: true });
    else if (data.open !== undefined) tell("#shelf", { open: data.open });
    else if (data.forget !== undefined) tell("#shelf", { forget: data.forget });
  });
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.key === "Escape") shut(target);
    else if (/^Arrow(Up|Down)$/.test(event.key) && target.matches?.(".others .runner")) {
      event.preventDefault();
      const all = [...target.closest("ol").querySelectorAll(".runner")];
      const next = all[all.indexOf(target) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next) { const turn = next.closest(".turn"); next.focus(); light(turn, next.dataset.row, articleOf(next, turn)); }
    }
    else if (/^(Enter| )$/.test(event.key) && target.classList?.contains("s") && document.body.classList.contains("choosing")) {
      event.preventDefault();  // a space would scroll
      chosen(target.dataset.row);
    }
    else if (event.key === "/" && !event.ctrlKey && !event.altKey && !event.metaKey && !target.closest?.("input, textarea, select, [contenteditable]")) { event.preventDefault(); box()?.focus(); }
  });

  // A file dropped beside the box would take the browser to the file, and the conversation with it.
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files") || event.target.closest?.(".upload-container")) return;
      event.preventDefault();
      const input = document.querySelector("#file input[type=file]");
      if (kind === "dragover" || !input || !document.querySelector("#desk")?.offsetParent) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  // Gradio replaces the chat when an answer arrives: light the newest turn once.
  const look = () => {
    const pane = document.querySelector("#article");
    if (pane && !pane.hasAttribute("tabindex")) {  // a pane that scrolls must be reachable by keyboard
      for (const [id, name] of [["article", "Article"], ["conversation", "Conversation"]]) {
        const one = document.getElementById(id);
        if (!one) continue;
        one.tabIndex = 0;
        one.setAttribute("role", "region");
        one.setAttribute("aria-label", name);
      }
    }
    // What was being corrected is not there any more: the next click in the article chooses nothing.
    if (document.body.classList.contains("choosing") && !document.querySelector(".chooser")) choose(null);
    const now = sheet()?.dataset.article;
    if (now && now !== read) {
      if (read) {
        document.title = `${sheet().getAttribute("aria-label")} – Article QA`;
        pane.scrollTo({ top: 0 });
        say(`Opened ${sheet().getAttribute("aria-label")}`);
        if (document.activeElement?.closest("#another")) box()?.focus();  // it has just been folded away
      }
      read = now;
    }
    // On a phone a report would come below the screen, and nothing seem to happen.
    const frame = document.querySelector("#report iframe.report");
    if (frame && frame !== framed) {
      framed = frame;
      say("The report is here.");
      if (frame.getBoundingClientRect().top > innerHeight * 0.6) bring(frame, "#bench", "start", "instant");
    }
    // Gradio names this button otherwise than it reads, so that nobody could call for it by what they see.
    document.querySelector("button.upload-container[aria-label]")?.removeAttribute("aria-label");
    const told = [...document.querySelectorAll("#conversation .noted, .wait")].pop()?.textContent.trim() ?? "";
    // Not again for every sentence that is read, or second that has passed; but for every note.
    const kind = told.replace(/[\d,]+/g, "") + document.querySelectorAll(".noted").length;
    if (kind !== heard) { heard = kind; if (told) say(told); }
    const turns = document.querySelectorAll("#conversation .turn:not(.pending)");
    const newest = turns[turns.length - 1];
    if (awaited && sheet()) {
      const turn = document.querySelector(`.turn[data-turn="${Number(awaited.turn)}"]`);
      if (turn && awaited.article === sheet().dataset.article) {
        const { row, article } = awaited;
        awaited = null;
        shown = nameOf(newest, turns);
        light(turn, row, article);
        return;
      }
    }
    const name = nameOf(newest, turns);
    if (name === shown) {
      // The pane was drawn anew, with the same article: what was lit in it is lit again.
      if (lit.length && !lit.some((one) => one.isConnected) && again.article === sheet()?.dataset.article) {
        light(document.querySelector(`.turn[data-turn="${Number(again.turn)}"]`), again.row, again.article);
      }
      return;
    }
    shown = name;
    if (!newest) {
      dark();
      document.querySelector("#article")?.scrollTo({ top: 0 });
      if (document.activeElement === document.body && read) box()?.focus();  // started over: the button is gone
      return;
    }
    bring(newest, "#conversation", "start", "instant");
    light(newest);
    say([".short", ".said"].map((part) => newest.querySelector(part)?.textContent).filter(Boolean).join(". "));
  };
  const nameOf = (newest, turns) => newest && sheet()
    ? `${sheet().dataset.article} ${newest.dataset.article} ${turns.length} ${newest.querySelector(".asked").textContent}` : "";
  new MutationObserver(look).observe(document.documentElement, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["data-article", "data-turn"],
  });
})();
