// Selected text can be cited. Each element with data-s begins at that offset of the document, in code points.

const article = document.querySelector("article.text");
const bar = document.getElementById("selected");
const links = [...bar.querySelectorAll("a")].map((link) => [link, link.getAttribute("href")]);
const PAUSE = 150; // ms without a change before the bar appears
let timer;

const codePoints = (text) => [...text].length;

// A selection may begin or end between the texts: only what it has of each counts.
function selectedRange() {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  let start = null;
  let end = null;
  for (const element of article.querySelectorAll("[data-s]")) {
    if (!range.intersectsNode(element)) continue;
    const text = element.firstChild;
    const first = range.startContainer === text ? range.startOffset : 0;
    const last = range.endContainer === text ? range.endOffset : text.length;
    const own = text.data.slice(first, last);
    if (!own.trim()) continue;
    const offset = Number(element.dataset.s) + codePoints(text.data.slice(0, first));
    start ??= offset + codePoints(own) - codePoints(own.trimStart());
    end = offset + codePoints(own.trimEnd());
  }
  return start === null ? null : { start, end };
}

function update() {
  const range = selectedRange();
  bar.hidden = !range;
  if (!range) return;
  for (const [link, address] of links) {
    link.href = address.replace("/0-0.", `/${range.start}-${range.end}.`).replace(/\/0$/, `/${range.start}`);
  }
  document.dispatchEvent(new Event("selected"));
}

document.addEventListener("selectionchange", () => {
  clearTimeout(timer);
  timer = setTimeout(update, PAUSE);
});
bar.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the selection
