// The picture of a page may arrive late or not at all: then the page says so in its place.

const MAX_TRIES = 5; // chosen: a busy service gets about five seconds

const picture = document.querySelector(".sheet img");
const [failed, busy] = [".failed", ".busy"].map((name) => document.querySelector(`.facsimile ${name}`));

function replaceWith(note) {
  picture.closest(".sheet").remove();
  note.hidden = false;
}

// An image element does not say why it failed, but its address does. A busy service says when to retry.
async function retry(tries) {
  const response = await fetch(picture.src).catch(() => null);
  const retryAfter = Number(response?.headers.get("Retry-After"));
  if (response?.ok) picture.src = `${picture.src}`; // loads it from the cache
  else if (!retryAfter) replaceWith(failed);
  else if (tries === MAX_TRIES) replaceWith(busy);
  else setTimeout(() => retry(tries + 1), retryAfter * 1000);
}

if (picture) {
  if (picture.complete && !picture.naturalWidth) retry(1); // it failed before this script loaded
  else picture.addEventListener("error", () => retry(1), { once: true });
}
