// Answers as one types. Every answer is a page of the server's, of which what is under the box is put in place.

const PAUSE = 120; // ms without a key before a question is asked
const SETTLED = 1500; // ms after which a question counts as one to come back to
const RECENT = "recent questions";
const MOST_RECENT = 8;

const form = document.getElementById("ask");
const box = document.getElementById("q");
const found = document.getElementById("found");
const parser = new DOMParser();

let waiting; // the timer of the pause
let settling; // the timer after which the next change gets its own place in the history
let asking = new AbortController();
let typing = false; // whether the address is that of a question that is still being typed
let shown = here();

function here() {
  return location.pathname + location.search;
}

function address() {
  const given = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value.trim()) given.append(name, value.trim());
  const query = given.toString();
  return query ? `/?${query}` : "/";
}

async function show(url, { keep = false, scroll = false } = {}) {
  clearTimeout(waiting);
  asking.abort();
  const mine = (asking = new AbortController());
  found.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
    const later = Number(response.headers.get("Retry-After"));
    if (later && !mine.signal.aborted) {
      waiting = setTimeout(() => show(url, { keep, scroll }), later * 1000); // the service is busy
      return;
    }
    const page = parser.parseFromString(await response.text(), "text/html");
    if (mine.signal.aborted) return;
    if (!page.getElementById("found")) return location.assign(url); // an error has a page of its own
    shown = url.split("#")[0];
    put(page, keep);
    if (scroll) settle(url);
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
  } finally {
    if (mine === asking) found.removeAttribute("aria-busy");
  }
}

function put(page, keep) {
  const held = document.activeElement?.dataset?.same;
  const open = [...found.querySelectorAll("details[id][open]")].map((details) => details.id);
  document.title = page.title;
  found.replaceChildren(...page.getElementById("found").childNodes);
  document.getElementById("count").textContent = page.getElementById("count").textContent.trim();
  if (!keep) {
    box.value = page.getElementById("q").value;
    document.getElementById("narrow").replaceChildren(...page.getElementById("narrow").childNodes);
  }
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (held) refocus(held);
  recents();
  document.dispatchEvent(new Event("answered"));
}

// What had the focus may be there again; otherwise the heading has it, so that the keyboard stays at the results.
function refocus(held) {
  const again = [...found.querySelectorAll("[data-same]")].find((link) => link.dataset.same === held);
  (again ?? document.getElementById("verdict"))?.focus({ preventScroll: true });
}

function settle(url) {
  const target = url.includes("#") && document.getElementById(decodeURIComponent(url.split("#")[1]));
  if (target) target.querySelector("h3 a")?.focus();
}

function type() {
  clearTimeout(waiting);
  asking.abort(); // what is on its way answers another question
  waiting = setTimeout(() => {
    const url = go();
    typing = true;
    clearTimeout(settling);
    settling = setTimeout(done, SETTLED);
    if (url !== shown) show(url, { keep: true });
  }, PAUSE);
}

// Let the address be that of what stands in the form; what is still being typed has one place in the history.
function go() {
  const url = address();
  if (url !== here()) history[typing ? "replaceState" : "pushState"](null, "", url);
  return url;
}

// The question stands: remember it, and let the next one be another step of the history.
function done() {
  typing = false;
  const question = new URLSearchParams(shown.split("?")[1]).get("q");
  if (!question || !document.getElementById("verdict")) return;
  const kept = [question, ...remembered().filter((other) => other !== question)].slice(0, MOST_RECENT);
  try {
    localStorage.setItem(RECENT, JSON.stringify(kept));
  } catch {
    // no room, or not allowed: then nothing is kept
  }
}

function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(RECENT));
    return Array.isArray(kept) ? kept.filter((question) => typeof question === "string") : [];
  } catch {
    return [];
  }
}

function recents() {
  const place = document.getElementById("recents");
  const questions = remembered();
  if (!place || !questions.length) return;
  place.querySelector("ul").replaceChildren(
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
  place.hidden = false;
}

form.addEventListener("input", (event) => {
  if (!event.isComposing) type();
});
box.addEventListener("compositionend", type);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const url = go();
  if (url === shown) done();
  else show(url, { keep: true }).then(done);
});

found.addEventListener("click", (event) => {
  if (event.target.closest("#forget")) {
    localStorage.removeItem(RECENT);
    document.getElementById("recents").hidden = true;
    box.focus();
    return;
  }
  const link = event.target.closest("a[href^='/?']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  done();
  const url = link.getAttribute("href");
  history.pushState(null, "", url);
  show(url, { scroll: true }).then(done);
});

addEventListener("popstate", () => {
  const url = here();
  typing = false;
  if (url !== shown) show(url + location.hash, { scroll: true });
});
addEventListener("pagehide", () => {
  if (typing) done();
});

recents();
done();
