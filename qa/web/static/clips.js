// Clips are kept in this browser. Each is a permalink with its question, its citation as it was, and a note. The
// server shows them from the index and makes files of them; the order and the notes are kept here.

const KEY = "clips";
const MAX = 200; // as many as the server takes
const MAX_QUESTION = 1000;
const link = document.getElementById("clips-link");
const toast = document.getElementById("toast");
const list = document.getElementById("clips");
const undo = document.querySelector("#undo > span");
const parser = new DOMParser();
let removed = null; // the clips before the last removal
let toasting; // the timer that clears the toast
let asked = 0; // the number of the last request for the page

function stored() {
  try {
    const clips = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(clips) ? clips.filter((clip) => typeof clip?.permalink === "string") : [];
  } catch {
    return [];
  }
}

function store(clips) {
  try {
    localStorage.setItem(KEY, JSON.stringify(clips));
  } catch {
    say(link.dataset.unsaved); // the storage is full or forbidden
  }
  update();
}

function say(text) {
  toast.textContent = text;
  clearTimeout(toasting);
  toasting = setTimeout(() => (toast.textContent = ""), 4000);
}

// The same quotation is one clip, whichever host name the service has.
function place(permalink) {
  const { pathname, searchParams } = new URL(permalink);
  return `${pathname}/quotations/${searchParams.get("start")}-${searchParams.get("end")} ${searchParams.get("sha")}`;
}

const copyLink = (button) => button.parentElement.querySelector(".copy");

function placeOf(button) {
  const { pathname } = new URL(copyLink(button).href);
  return `${pathname.replace(".txt", "")} ${button.closest("[data-sha]").dataset.sha}`;
}

function update() {
  const clips = stored();
  const places = new Set(clips.map((clip) => place(clip.permalink)));
  document.getElementById("clip-count").textContent = clips.length || "";
  for (const button of document.querySelectorAll(".clip")) {
    button.setAttribute("aria-pressed", places.has(placeOf(button)));
  }
}

// Take a clip out, and return whether it was in the list.
function takeOut(wanted) {
  const clips = stored();
  const others = clips.filter((clip) => place(clip.permalink) !== wanted);
  if (others.length < clips.length) store(others);
  return others.length < clips.length;
}

async function toggle(button) {
  if (takeOut(placeOf(button))) return;
  let citation;
  try {
    const response = await fetch(copyLink(button).href);
    if (!response.ok) throw new Error(response.status);
    citation = await response.text();
  } catch {
    return say(link.dataset.failed);
  }
  const permalink = citation.slice(citation.lastIndexOf(" ") + 1); // the citation ends with it
  if (takeOut(place(permalink))) return; // a second click came before the answer
  const clips = stored();
  if (clips.length >= MAX) return say(link.dataset.full);
  const question = (new URLSearchParams(location.search).get("q") ?? "").slice(0, MAX_QUESTION);
  store([...clips, { permalink, citation, question, note: "" }]);
}

// What the server needs: where a clip stands, never its text.
function sent() {
  return JSON.stringify(
    stored().map(({ permalink, question, note }) => {
      const url = new URL(permalink);
      const parts = url.searchParams;
      return {
        document: url.pathname.split("/").pop(),
        start: Number(parts.get("start")),
        end: Number(parts.get("end")),
        sha: parts.get("sha"),
        quote: parts.get("quote"),
        question,
        note,
      };
    }),
  );
}

async function show() {
  const mine = ++asked;
  if (!stored().length && !list.querySelector("li")) return;
  const response = await fetch("/clips", { method: "POST", body: new URLSearchParams({ clips: sent() }) });
  const page = parser.parseFromString(await response.text(), "text/html");
  const filled = page.getElementById("clips");
  if (mine !== asked) return;
  if (!filled) return say(page.querySelector("main")?.textContent.trim() ?? response.statusText);
  list.replaceChildren(...filled.childNodes);
  number();
  const clips = stored();
  items().forEach((item, at) => {
    const gone = item.querySelector(".clipped");
    if (gone) gone.textContent = clips[at].citation;
  });
}

const items = () => [...list.querySelectorAll("li")];

function number() {
  items().forEach((item, at) => {
    for (const element of item.querySelectorAll(".number")) element.textContent = at + 1;
  });
}

function move(item, step) {
  const from = items().indexOf(item);
  const to = from + step;
  const clips = stored();
  if (to < 0 || to >= clips.length) return;
  clips.splice(to, 0, ...clips.splice(from, 1));
  store(clips);
  item[step < 0 ? "previousElementSibling" : "nextElementSibling"][step < 0 ? "before" : "after"](item);
  number();
}

async function replace(clips) {
  removed = clips.length < stored().length ? stored() : null;
  undo.hidden = !removed;
  store(clips);
  await show();
}

const actions = {
  up: (item) => move(item, -1),
  down: (item) => move(item, 1),
  remove: async (item) => {
    const at = items().indexOf(item);
    await replace(stored().filter((_, other) => other !== at));
    undo.querySelector("button").focus();
  },
  clear: async () => {
    await replace([]);
    undo.querySelector("button").focus();
  },
  undo: async () => {
    await replace(removed);
    list.querySelector("[data-do]")?.focus();
  },
  print: () => print(),
};

document.addEventListener("click", async (event) => {
  const clip = event.target.closest(".clip");
  if (clip) return toggle(clip);
  const button = event.target.closest("[data-do]");
  if (!button || !list) return;
  await actions[button.dataset.do](button.closest("li"));
  if (button.isConnected && button.dataset.do !== "undo") button.focus(); // a button that has moved lost it
});

list?.addEventListener("input", (event) => {
  const item = event.target.closest("li");
  const clips = stored();
  clips[items().indexOf(item)].note = event.target.value;
  item.querySelector(".noted").textContent = event.target.value;
  store(clips);
});
list?.addEventListener("submit", (event) => (event.target.elements.clips.value = sent()));

document.addEventListener("answered", update); // new results
document.addEventListener("selected", update);
addEventListener("storage", () => {
  update();
  if (list) show(); // another tab has changed them
});

update();
if (list) show();
