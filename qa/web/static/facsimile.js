// The picture of a page may arrive late or not at all: then the page says so in its place.

const MAX_TRIES = 5; // chosen: a busy service gets about five seconds

function replaceWith(picture, note) {
  const figure = picture.closest(".facsimile");
  picture.closest(".sheet").remove();
  figure.querySelector(note).hidden = false;
}

// An image element does not say why it failed, but its address does. A busy service says when to retry.
async function retry(picture, tries) {
  const response = await fetch(picture.src).catch(() => null);
  const retryAfter = Number(response?.headers.get("Retry-After"));
  if (!picture.isConnected) return;
  if (response?.ok) picture.src = `${picture.src}`; // loads it from the cache
  else if (!retryAfter) replaceWith(picture, ".failed");
  else if (tries === MAX_TRIES) replaceWith(picture, ".busy");
  else setTimeout(() => retry(picture, tries + 1), retryAfter * 1000);
}

function watch() {
  const picture = document.querySelector(".sheet img");
  // Without a width, a picture that is not shown yet is not loaded yet either.
  const hasFailed = picture?.complete && !picture.naturalWidth && picture.currentSrc;
  if (hasFailed) retry(picture, 1); // before this script loaded
  else picture?.addEventListener("error", () => retry(picture, 1), { once: true });
}

watch();
document.addEventListener("shown", watch); // the document's next part
