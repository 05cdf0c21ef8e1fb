// Keyboard shortcuts: "/" goes to the search box, "f" finds in a document, "j" and "k" step through the results, "?" lists them all.

const dialog = document.getElementById("shortcuts");
const opener = document.getElementById("show-shortcuts");

function step(direction) {
  const links = [...document.querySelectorAll(".hit h3 a")].filter((link) => link.checkVisibility());
  if (!links.length) {
    document.querySelector(`.steps a[rel="${direction > 0 ? "next" : "prev"}"]`)?.click();
    return;
  }
  const hit = document.activeElement.closest(".hit");
  const current = links.findIndex((link) => link.closest(".hit") === hit);
  const next = current < 0 ? 0 : Math.min(Math.max(current + direction, 0), links.length - 1);
  links[next].focus();
  links[next].closest(".hit").scrollIntoView({ block: "nearest" });
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
  c: () => (document.querySelector("#selected:not([hidden])") ?? document.activeElement.closest(".hit") ?? document.querySelector(".hit"))?.querySelector(".copy")?.click(),
  "?": () => dialog.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || dialog.open || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});

opener.hidden = false;
opener.addEventListener("click", () => dialog.showModal());
