// Keyboard shortcuts: "/" goes to the search box, "f" finds in a document, "j" and "k" step through the results, "?"
// lists them all. Arrows step, too, from a result or from the box.

const dialog = document.getElementById("shortcuts");
const opener = document.getElementById("show-shortcuts");
const RESULTS = ".answer h3 a, .hit h3 a, .hit h4 a";

function resultLinks() {
  return [...document.querySelectorAll(RESULTS)].filter((link) => link.checkVisibility());
}

function step(direction) {
  const links = resultLinks();
  if (!links.length) {
    document.querySelector(`.steps a[rel="${direction > 0 ? "next" : "prev"}"]`)?.click();
    return;
  }
  const hit = document.activeElement.closest(".hit, .answer");
  const current = links.findIndex((link) => link.closest(".hit, .answer") === hit);
  const next = current < 0 ? 0 : Math.min(Math.max(current + direction, 0), links.length - 1);
  links[next].focus();
  links[next].closest(".hit, .answer").scrollIntoView({ block: "nearest" });
}

// Arrows scroll the page unless a result has the focus. Above the first result is the box.
function stepByArrow(event) {
  if (!document.activeElement.matches(RESULTS)) return;
  event.preventDefault();
  if (event.key === "ArrowUp" && document.activeElement === resultLinks()[0]) actions["/"]();
  else step(event.key === "ArrowDown" ? 1 : -1);
}

// In the box, the down arrow goes to the first result. Escape first takes away the suggested spelling or closes what
// is open below the box, then leaves it. The browser would clear the question.
function inBox(event) {
  if (event.key === "ArrowDown" && resultLinks().length) {
    event.preventDefault();
    step(1);
  } else if (event.key === "Escape") {
    event.preventDefault();
    const suggestion = document.getElementById("corrected");
    const open = document.querySelector("#ask details[open]");
    if (suggestion) suggestion.remove();
    else if (open) open.open = false;
    else event.target.blur();
  }
}

const actions = {
  "/": () => {
    const box = document.getElementById("q");
    box?.focus();
    box?.select();
  },
  j: () => step(1),
  k: () => step(-1),
  f: () => {
    const box = document.getElementById("find");
    box?.focus();
    box?.select();
  },
  c: () => (document.querySelector("#selected:not([hidden])") ?? document.activeElement.closest(".hit, .answer") ?? document.querySelector(".hit"))?.querySelector(".copy")?.click(),
  "?": () => dialog.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (dialog.open || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.id === "q") return inBox(event);
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") return stepByArrow(event);
  if (!Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});

opener.hidden = false;
opener.addEventListener("click", () => dialog.showModal());
