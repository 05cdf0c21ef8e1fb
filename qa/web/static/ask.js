// Results update as you type. The server answers with a whole page, whose content replaces that under the box.

const PAUSE = 120; // ms without a keystroke before the question is sent
const SETTLED = 1500; // ms after which a question is remembered
const RECENT = "recent questions";
const MAX_RECENT = 8;

const form = document.getElementById("ask");
const box = document.getElementById("q");
const content = document.getElementById("content");
const parser = new DOMParser();

let pause; // the timer until the question is sent, or sent again
let settling; // the timer until the question is remembered
let current = new AbortController(); // of the request in progress
let typing = false; // whether the question in the address is still being typed
let shown = here(); // the address whose content is shown

function here() {
  return location.pathname + location.search;
}

function address() {
  const parameters = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value.trim()) parameters.append(name, value.trim());
  const query = parameters.toString();
  return query ? `/?${query}` : "/";
}

async function show(url, { keep = false, scroll = false } = {}) {
  clearTimeout(pause);
  current.abort();
  const mine = (current = new AbortController());
  content.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
    const retryAfter = Number(response.headers.get("Retry-After"));
    if (retryAfter && !mine.signal.aborted) {
      pause = setTimeout(() => show(url, { keep, scroll }), retryAfter * 1000); // the service is busy
      return;
    }
    const page = parser.parseFromString(await response.text(), "text/html");
    if (mine.signal.aborted) return;
    if (!page.getElementById("content")) return location.assign(url); // an error has a page of its own
    shown = url.split("#")[0];
    replaceContent(page, keep);
    if (scroll) focusTarget(url);
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
  } finally {
    if (mine === current) content.removeAttribute("aria-busy");
  }
}

function replaceContent(page, keep) {
  const focused = document.activeElement?.dataset?.same;
  const open = [...content.querySelectorAll("details[id][open]")].map((details) => details.id);
  document.title = page.title;
  content.replaceChildren(...page.getElementById("content").childNodes);
  document.getElementById("count").textContent = page.getElementById("count").textContent.trim();
  if (!keep) {
    box.value = page.getElementById("q").value;
    document.getElementById("narrow").replaceChildren(...page.getElementById("narrow").childNodes);
  }
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) refocus(focused);
  showRecent();
  document.dispatchEvent(new Event("answered"));
}

// Focus the same link in the new content, or else the heading, so that the keyboard stays at the results.
function refocus(name) {
  const link = [...content.querySelectorAll("[data-same]")].find((link) => link.dataset.same === name);
  (link ?? document.getElementById("verdict"))?.focus({ preventScroll: true });
}

function focusTarget(url) {
  const target = url.includes("#") && document.getElementById(decodeURIComponent(url.split("#")[1]));
  if (target) target.querySelector("h3 a")?.focus();
}

// After Enter, the keyboard is at the first result, or at the heading that says that there is none.
function focusFirst() {
  const links = [...content.querySelectorAll(".answer h3 a, .hit h3 a")];
  const first = links.find((link) => link.checkVisibility()) ?? document.getElementById("verdict");
  first?.focus();
}

function onInput() {
  clearTimeout(pause);
  current.abort(); // the pending answer is to another question
  pause = setTimeout(() => {
    const url = updateAddress();
    typing = true;
    clearTimeout(settling);
    settling = setTimeout(remember, SETTLED);
    if (url !== shown) show(url, { keep: true });
  }, PAUSE);
}

// Put the question of the form into the address. A question that is still being typed has one history entry.
function updateAddress() {
  const url = address();
  if (url !== here()) history[typing ? "replaceState" : "pushState"](null, "", url);
  return url;
}

// Remember the question that is shown, and give the next one a history entry of its own.
function remember() {
  typing = false;
  const question = new URLSearchParams(shown.split("?")[1]).get("q");
  if (!question || !document.getElementById("verdict")) return;
  const recent = [question, ...recentQuestions().filter((other) => other !== question)].slice(0, MAX_RECENT);
  try {
    localStorage.setItem(RECENT, JSON.stringify(recent));
  } catch {
    // the storage is full or forbidden: the question is not remembered
  }
}

function recentQuestions() {
  try {
    const stored = JSON.parse(localStorage.getItem(RECENT));
    return Array.isArray(stored) ? stored.filter((question) => typeof question === "string") : [];
  } catch {
    return [];
  }
}

function showRecent() {
  const section = document.getElementById("recents");
  const questions = recentQuestions();
  if (!section || !questions.length) return;
  section.querySelector("ul").replaceChildren(
    ...questions.map((question) => {
      const link = document.createElement("a");
      link.href = `/?${new URLSearchParams({ q: question })}`;
      link.dir = "auto";
      link.textContent = question;
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
  section.hidden = false;
}

form.addEventListener("input", (event) => {
  if (!event.isComposing) onInput();
});
box.addEventListener("compositionend", onInput);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const url = updateAddress();
  clearTimeout(pause);
  if (url === shown) {
    remember();
    focusFirst();
    return;
  }
  show(url, { keep: true }).then(() => {
    remember();
    if (url === shown && document.activeElement === box) focusFirst();
  });
});

content.addEventListener("click", (event) => {
  if (event.target.closest("#forget")) {
    localStorage.removeItem(RECENT);
    document.getElementById("recents").hidden = true;
    box.focus();
    return;
  }
  const link = event.target.closest("a[href^='/?']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  remember();
  const url = link.getAttribute("href");
  history.pushState(null, "", url);
  show(url, { scroll: true }).then(remember);
});

addEventListener("popstate", () => {
  const url = here();
  typing = false;
  if (url !== shown) show(url + location.hash, { scroll: true });
});
addEventListener("pagehide", () => {
  if (typing) remember();
});

showRecent();
remember();
