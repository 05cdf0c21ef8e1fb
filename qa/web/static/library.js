// The list of documents follows what is typed and clicked. The server's page is fetched, and its parts inserted.

const PAUSE = 150; // ms after a keystroke
const PARTS = ["tabs", "kept", "count", "shelf"];

const form = document.getElementById("named");
const parser = new DOMParser();
let current = new AbortController();
let pause;

function address() {
  const fields = [...new FormData(form)].filter(([, value]) => value.trim());
  const query = new URLSearchParams(fields).toString();
  return form.getAttribute("action") + (query ? `?${query}` : "");
}

async function show(url) {
  current.abort();
  const mine = (current = new AbortController());
  try {
    const response = await fetch(url, { signal: mine.signal });
    const page = parser.parseFromString(await response.text(), "text/html");
    if (mine.signal.aborted) return;
    if (!page.getElementById("shelf")) return location.assign(url); // an error has a page of its own
    insert(page);
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
  }
}

function insert(page) {
  const focused = document.activeElement?.dataset?.same;
  const open = [...document.querySelectorAll("details[id][open]")].map((details) => details.id);
  for (const id of PARTS) {
    document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
  }
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) [...document.querySelectorAll("[data-same]")].find((link) => link.dataset.same === focused)?.focus({ preventScroll: true });
}

form.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => {
    history.replaceState(null, "", address());
    show(address());
  }, PAUSE);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(pause);
  history.replaceState(null, "", address());
  show(address());
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-same]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  form.elements.name.value = new URL(link.href).searchParams.get("name") ?? "";
  show(link.href);
});

addEventListener("popstate", () => {
  form.elements.name.value = new URLSearchParams(location.search).get("name") ?? "";
  show(location.href);
});
