// The picture of a page may be slow to come, or not come at all: then the page says so in its place.

const MOST_TRIES = 5;

const picture = document.querySelector(".sheet img");
const [undrawn, busy] = [".undrawn", ".busy"].map((name) => document.querySelector(`.facsimile ${name}`));

function say(note) {
  picture.closest(".sheet").remove();
  note.hidden = false;
}

// An image does not tell why it failed: its address does. While the service is busy, it says when to come again.
async function retry(tries) {
  const response = await fetch(picture.src).catch(() => null);
  const later = Number(response?.headers.get("Retry-After"));
  if (response?.ok) picture.src = `${picture.src}`; // asked for again, and kept by now
  else if (!later) say(undrawn);
  else if (tries === MOST_TRIES) say(busy);
  else setTimeout(() => retry(tries + 1), later * 1000);
}

if (picture) {
  if (picture.complete && !picture.naturalWidth) retry(1); // it failed before this script came
  else picture.addEventListener("error", () => retry(1), { once: true });
}
