// Finds in the document as you type. The server marks and counts; its page replaces the text below the bar.

const PAUSE = 200; // ms without a keystroke before the words are sought
const form = document.querySelector(".find");
const box = document.getElementById("find");
const parser = new DOMParser();
let pause; // the timer until the words are sought
let current = new AbortController(); // of the request in progress

function address() {
  const parameters = new URLSearchParams(new FormData(form));
  for (const name of box.value.trim() ? [] : ["find", "by"]) parameters.delete(name);
  const query = parameters.toString();
  return location.pathname + (query && `?${query}`);
}

async function show(url) {
  clearTimeout(pause);
  current.abort();
  const mine = (current = new AbortController());
  try {
    const response = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
    const page = parser.parseFromString(await response.text(), "text/html");
    if (mine.signal.aborted) return;
    if (!page.getElementById("reader")) return location.assign(url); // an error has a page of its own
    for (const id of ["matches", "reader"]) {
      document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
    }
    history.replaceState(null, "", url);
    (document.getElementById("match") ?? document.getElementById("passage"))?.scrollIntoView();
    document.dispatchEvent(new Event("shown"));
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
  }
}

function step(direction) {
  const link = document.querySelector(`#matches a[rel="${direction}"]`);
  if (link) show(link.getAttribute("href"));
}

form.addEventListener("input", (event) => {
  if (event.isComposing) return;
  clearTimeout(pause);
  current.abort();
  pause = setTimeout(() => show(address()), PAUSE);
});
box.addEventListener("compositionend", () => show(address()));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const sought = new URLSearchParams(location.search);
  const isShown = sought.get("find") === box.value && sought.get("by") === form.elements.by.value;
  if (isShown) step("next");
  else show(address());
});

box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    step("prev");
  } else if (event.key === "Escape") {
    event.preventDefault();
    if (!box.value) return box.blur();
    box.value = "";
    show(address());
  }
});

document.getElementById("matches").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || !box.value || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  show(link.getAttribute("href"));
});
