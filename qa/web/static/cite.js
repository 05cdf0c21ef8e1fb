// A click on a citation copies it. The text comes from the link's address, so only the server formats citations.

const toast = document.getElementById("toast");
let timer; // clears the toast

function showToast(text, ms) {
  toast.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => (toast.textContent = ""), ms);
}

async function fetchText(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(response.status);
  return response.text();
}

async function copy(url) {
  const text = fetchText(url);
  // A promise, because some browsers allow writing to the clipboard only from within the click.
  const item = new ClipboardItem({ "text/plain": text.then((content) => new Blob([content], { type: "text/plain" })) });
  await navigator.clipboard.write([item]);
  return text;
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-copy]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  try {
    await copy(link.href);
    showToast(document.body.dataset.copied, 2000);
  } catch {
    // There is no clipboard without HTTPS: the text is shown, to be copied by hand.
    showToast(document.body.dataset.notCopied, 4000);
    location.assign(link.href);
  }
});
