// A click on a citation copies it. What is copied is what its address gives, so that it is written in one place.

const toast = document.getElementById("toast");
let fading;

function say(text, ms) {
  toast.textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => (toast.textContent = ""), ms);
}

async function written(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(response.status);
  return response.text();
}

async function copy(url) {
  const text = written(url);
  // A promise, because some browsers let only what begins within the click write to the clipboard.
  const item = new ClipboardItem({ "text/plain": text.then((found) => new Blob([found], { type: "text/plain" })) });
  await navigator.clipboard.write([item]);
  return text;
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-copy]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  try {
    await copy(link.href);
    say(document.body.dataset.copied, 2000);
  } catch {
    // Without https there is no clipboard: the text is shown, to be copied by hand.
    say(document.body.dataset.notCopied, 4000);
    location.assign(link.href);
  }
});
