// The table of records: filters, sorting, paging, details; and the theme. Texts are only ever set as text, never as HTML.
"use strict";
(() => {
  const PAGE = 50;
  const GATES = 500;
  const CHECKS = "checks";
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  root.classList.add("scripted");

  // Theme: the system's, light, dark.
  const THEMES = ["system", "light", "dark"];
  const stored = () => { try { return localStorage.getItem("aprqa-theme"); } catch { return null; } };
  const store = (word) => { try { localStorage.setItem("aprqa-theme", word); } catch { /* the choice lasts for this page only */ } };
  let theme = THEMES.includes(stored()) ? stored() : "system";
  const showTheme = () => {
    if (theme === "system") delete root.dataset.theme; else root.dataset.theme = theme;
    $("theme-word").textContent = theme;
  };
  $("theme").hidden = false;
  $("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    store(theme);
    showTheme();
  });
  showTheme();

  const make = (tag, css, text) => {
    const element = document.createElement(tag);
    if (css) element.className = css;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const say = (number) => number.toLocaleString("en");

  // What a row holds, by place; see table.py.
  const GATE = 0, TARGET = 1, OUTCOME = 2, CASE = 3, USE = 4, REASON = 5, TIME = 6, TURNS = 7, ANSWERS = 8, MORE = 9;
  const data = JSON.parse($("data").textContent);
  const { texts, rows, outcomes, gates, targets } = data;
  const untypable = new Set(data.path ? data.untypable : rows.keys());
  const name = (place) => (place < 0 ? "" : texts[place]);
  const use = (row) => (row[USE] < 0 ? CHECKS : texts[row[USE]]);
  const FIELDS = {
    target: (row) => name(row[TARGET]),
    modality: use,
    category: (row) => gates[row[GATE]][0],
    gate: (row) => name(row[GATE]),
    format: (row) => targets[row[TARGET]][0] || "",
    backend: (row) => targets[row[TARGET]][1] || "",
  };
  const SORTS = {
    outcome: (row) => row[OUTCOME],
    case: (row) => name(row[CASE]),
    gate: (row) => name(row[GATE]),
    target: (row) => name(row[TARGET]),
    modality: use,
    duration: (row) => (row[TIME] === null ? -1 : row[TIME]),
  };

  const state = { q: "", outcome: new Set(), sort: "", down: false, page: 1 };
  for (const field of Object.keys(FIELDS)) state[field] = "";
  let order = rows.map((_, place) => place);

  // Filters.
  const tally = (read) => {
    const counts = new Map();
    for (const row of rows) counts.set(read(row), (counts.get(read(row)) || 0) + 1);
    return counts;
  };
  for (const [field, read] of Object.entries(FIELDS)) {
    const counts = [...tally(read)].filter(([word]) => word !== "");
    counts.sort((a, b) => (field === "gate" ? (a[0] < b[0] ? -1 : 1) : 0));
    const all = make("option", "", "all");
    all.value = "";
    const select = $(`f-${field}`);
    select.append(all);
    for (const [word, count] of counts.slice(0, GATES)) {
      const option = make("option", "", `${word} (${say(count)})`);
      option.value = word;
      select.append(option);
    }
    select.addEventListener("change", () => { state[field] = select.value; changed(); });
  }
  const toggles = new Map();
  const byOutcome = tally((row) => row[OUTCOME]);
  outcomes.forEach((word, place) => {
    const button = make("button", "", `${word} ${say(byOutcome.get(place) || 0)}`);
    button.type = "button";
    button.prepend(make("i", `dot o-${word}`));
    button.addEventListener("click", () => {
      if (!state.outcome.delete(word)) state.outcome.add(word);
      changed();
    });
    toggles.set(word, button);
    $("outcome-filter").append(button);
  });
  let typing = 0;
  $("f-q").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => { state.q = $("f-q").value; changed(); }, 150);
  });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    clear();
    changed();
  });
  const clear = () => {
    for (const field of Object.keys(FIELDS)) state[field] = "";
    Object.assign(state, { q: "", sort: "", down: false, page: 1 });
    state.outcome.clear();
  };

  // Free text: which of the distinct texts hold it, then which rows point at one of those.
  let lowered = null;
  const holding = (words) => {
    lowered ||= texts.map((text) => text.toLowerCase());
    return Uint8Array.from(lowered, (text) => (text.includes(words) ? 1 : 0));
  };
  const select = () => {
    const words = state.q.trim().toLowerCase();
    const found = words ? holding(words) : null;
    const titles = new Set();
    if (found) for (const [place, gate] of Object.entries(gates)) if (gate[2].toLowerCase().includes(words)) titles.add(Number(place));
    const wanted = Object.keys(FIELDS).filter((field) => state[field]);
    const fits = (row) =>
      (!state.outcome.size || state.outcome.has(outcomes[row[OUTCOME]])) &&
      wanted.every((field) => FIELDS[field](row) === state[field]) &&
      (!found || titles.has(row[GATE]) || found[row[CASE]] || found[row[REASON]] || found[row[GATE]] ||
        row[TURNS].some((place) => found[place]) || row[ANSWERS].some((place) => found[place]) ||
        row[MORE].some(([, place]) => found[place]));
    order = [];
    rows.forEach((row, place) => { if (fits(row)) order.push(place); });
    if (state.sort) {
      const read = SORTS[state.sort], sign = state.down ? -1 : 1;
      const keys = new Map(order.map((place) => [place, read(rows[place])]));
      order.sort((a, b) => {
        const one = keys.get(a), other = keys.get(b);
        return one === other ? a - b : (one < other ? -1 : 1) * sign;
      });
    }
  };

  // The address holds the state, so that a view can be sent to somebody.
  const address = () => {
    const said = new URLSearchParams();
    for (const field of ["q", ...Object.keys(FIELDS)]) if (state[field]) said.set(field, state[field]);
    if (state.outcome.size) said.set("outcome", [...state.outcome].join(","));
    if (state.sort) said.set("sort", (state.down ? "-" : "") + state.sort);
    if (state.page > 1) said.set("page", state.page);
    const text = said.toString();
    return text ? `#records?${text}` : "#records";
  };
  const read = () => {
    if (!location.hash.startsWith("#records?")) return location.hash === "#records";
    const said = new URLSearchParams(location.hash.slice("#records?".length));
    clear();
    for (const field of ["q", ...Object.keys(FIELDS)]) state[field] = said.get(field) || "";
    for (const word of (said.get("outcome") || "").split(",")) if (outcomes.includes(word)) state.outcome.add(word);
    const sort = said.get("sort") || "";
    state.down = sort.startsWith("-");
    state.sort = Object.hasOwn(SORTS, sort.replace(/^-/, "")) ? sort.replace(/^-/, "") : "";
    state.page = Math.max(1, Number.parseInt(said.get("page"), 10) || 1);
    return true;
  };
  const changed = () => {
    state.page = 1;
    select();
    show();
    remember();
  };
  const remember = () => { try { history.replaceState(null, "", address()); } catch { /* some hosts refuse; the view stands */ } };

  // Rows.
  const pages = () => Math.max(1, Math.ceil(order.length / PAGE));
  const duration = (ms) => (ms === null ? "" : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
  const cell = (css, text) => {
    const made = make("td", css);
    made.append(make("span", "clip", text));
    return made;
  };
  const rowOf = (place) => {
    const row = rows[place];
    const made = make("tr", "row");
    const outcome = make("td");
    outcome.append(make("span", `badge o-${outcomes[row[OUTCOME]]}`, outcomes[row[OUTCOME]]));
    const opener = make("button", "", name(row[CASE]));
    opener.type = "button";
    opener.setAttribute("aria-expanded", "false");
    const first = make("td");
    first.append(opener, make("span", "inline clip", name(row[REASON])));
    made.append(outcome, first, cell("", name(row[GATE])), cell("", name(row[TARGET])), cell("", use(row)),
      make("td", "num", duration(row[TIME])), cell("", name(row[REASON])));
    made.addEventListener("click", (event) => {
      if (event.target !== opener && String(getSelection())) return;
      toggle(made, opener, place);
    });
    return made;
  };
  const toggle = (element, opener, place) => {
    const open = opener.getAttribute("aria-expanded") === "true";
    opener.setAttribute("aria-expanded", String(!open));
    element.classList.toggle("opened", !open);
    if (open) element.nextElementSibling.remove(); else element.after(detailOf(rows[place], place));
  };
  const pair = (list, term, text, form) => {
    const group = make("div");
    const described = make("dd");
    if (form === "text") described.textContent = text; else described.append(make("pre", "", text));
    if (form === "command") { described.className = "command"; copyable(described); }
    group.append(make("dt", "", term), described);
    list.append(group);
  };
  const PLAIN = new Set(["kind of question", "judged by", "compared", "asked with", "measured", "exit code"]);
  const quoted = (word) => `'${word.replaceAll("'", `'"'"'`)}'`; // as shlex.quote does
  const detailOf = (row, place) => {
    const list = make("dl", "exchange");
    const [category, severity, title] = gates[row[GATE]];
    pair(list, "Gate", `${name(row[GATE])}, ${severity}, ${category}${title ? `: ${title}` : ""}`, "text");
    pair(list, "Where", [name(row[TARGET]) || "no target", use(row), duration(row[TIME])].filter(Boolean).join(" · "), "text");
    pair(list, "Reason", name(row[REASON]), "pre");
    row[TURNS].forEach((turn, number) => {
      pair(list, "Prompt", name(turn), "pre");
      if (number < row[ANSWERS].length) pair(list, "Answer", name(row[ANSWERS][number]) || "(empty)", "pre");
    });
    row[ANSWERS].slice(row[TURNS].length).forEach((answer) => pair(list, "Answer", name(answer), "pre"));
    for (const [term, text] of row[MORE]) {
      pair(list, term[0].toUpperCase() + term.slice(1), name(text), PLAIN.has(term) ? "text" : "pre");
    }
    const item = name(data.items[place] ?? row[CASE]);
    const node = item ? `${data.path}::${item}` : data.path;
    if (!untypable.has(place)) pair(list, "Run it again", `pytest ${quoted(node)}`, "command");
    const made = make("tr", "detail");
    const only = make("td");
    only.colSpan = 7;
    only.append(list);
    made.append(only);
    return made;
  };
  const show = () => {
    state.page = Math.min(state.page, pages());
    const start = (state.page - 1) * PAGE;
    const body = $("table").tBodies[0];
    body.replaceChildren(...order.slice(start, start + PAGE).map(rowOf));
    if (!order.length) {
      const none = make("td", "empty", "No record fits these filters.");
      none.colSpan = 7;
      const line = make("tr");
      line.append(none);
      body.append(line);
    }
    const listed = data.total > rows.length ? ` (${say(rows.length)} of ${say(data.total)} are listed, failed ones first)` : "";
    $("count").textContent = order.length === rows.length
      ? `${say(rows.length)} records${listed}` : `${say(order.length)} of ${say(rows.length)} records${listed}`;
    $("page").textContent = `page ${say(state.page)} of ${say(pages())}`;
    for (const button of document.querySelectorAll("[data-step]")) {
      const back = ["first", "previous"].includes(button.dataset.step);
      button.setAttribute("aria-disabled", String(back ? state.page === 1 : state.page === pages()));
    }
    for (const field of Object.keys(FIELDS)) $(`f-${field}`).value = state[field];
    if (document.activeElement !== $("f-q")) $("f-q").value = state.q;
    for (const [word, button] of toggles) button.setAttribute("aria-pressed", String(state.outcome.has(word)));
    for (const head of document.querySelectorAll("#table th[data-sort]")) {
      if (head.dataset.sort === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  };
  for (const head of document.querySelectorAll("#table th[data-sort]")) {
    head.querySelector("button").addEventListener("click", () => {
      const again = state.sort === head.dataset.sort;
      state.down = again && !state.down;
      state.sort = again && !state.down ? "" : head.dataset.sort;
      changed();
    });
  }
  const STEPS = { first: () => 1, previous: () => state.page - 1, next: () => state.page + 1, last: pages };
  for (const button of document.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      state.page = STEPS[button.dataset.step]();
      show();
      remember();
      if (button.closest(".pager").previousElementSibling === $("table")) $("table").scrollIntoView();
    });
  }

  // Links into the table, the address, and the commands to copy.
  const follow = () => {
    if (!read()) return;
    select();
    show();
    $("records").scrollIntoView();
  };
  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#records?"]');
    if (link && link.getAttribute("href") === location.hash) follow();
  });
  const copyable = (element) => {
    if (!navigator.clipboard) return;
    const button = make("button", "", "Copy");
    button.type = "button";
    button.addEventListener("click", async (event) => {
      event.stopPropagation();
      try {
        await navigator.clipboard.writeText(element.querySelector("pre").textContent);
        button.textContent = "Copied";
      } catch { button.textContent = "Not allowed"; }
    });
    element.append(button);
  };
  document.querySelectorAll(".example .command").forEach(copyable);
  addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details.example")) one.open = true; });

  $("browser").hidden = false;
  const asked = read();
  select();
  show();
  if (asked) $("records").scrollIntoView();
})();
