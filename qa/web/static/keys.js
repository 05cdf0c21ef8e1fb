// The keys of a library catalogue: "/" to the box, "j" and "k" from result to result, "?" shows them all.

const keys = document.getElementById("keys");
const opener = document.getElementById("show-keys");

function step(direction) {
  const links = [...document.querySelectorAll(".hit h3 a")].filter((link) => link.checkVisibility());
  if (!links.length) {
    document.querySelector(`.steps a[rel="${direction > 0 ? "next" : "prev"}"]`)?.click();
    return;
  }
  const hit = document.activeElement.closest(".hit");
  const at = links.findIndex((link) => link.closest(".hit") === hit);
  const next = at < 0 ? 0 : Math.min(Math.max(at + direction, 0), links.length - 1);
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
  c: () => (document.activeElement.closest(".hit") ?? document.querySelector(".hit"))?.querySelector(".copy")?.click(),
  "?": () => keys.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || keys.open || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});

opener.hidden = false;
opener.addEventListener("click", () => keys.showModal());
