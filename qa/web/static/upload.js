// Files that are chosen or dropped are sent one after another, each with a line that says how far it has come and
// what became of it. The server's page has that line, and is looked at until the file has been read.

const AGAIN = 2000; // ms between two looks at files that wait to be read
const BUSY = new Set([429, 503]);
const TRIES = 10;

const list = document.getElementById("uploads");
const words = list.dataset;
let queue = Promise.resolve();
let unsent = 0;
let following = false;

const uploadForm = () => document.querySelector(".upload form");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function add(file, isFolder = false) {
  const form = uploadForm();
  const item = document.createElement("li");
  item.append(document.createElement("h2"), document.createElement("p"));
  item.firstChild.dir = "auto";
  item.firstChild.textContent = file.name;
  list.append(item);
  list.hidden = false;
  if (isFolder) return refuse(item, words.folder);
  if (file.size > Number(form.dataset.most)) return refuse(item, words.large);
  item.lastChild.textContent = words.waiting;
  const body = new FormData();
  body.append("file", file);
  if (form.elements.replace.checked) body.append("replace", "1");
  const address = form.getAttribute("action");
  unsent += 1;
  queue = queue.then(() => deliver(address, body, item)).finally(() => (unsent -= 1));
}

function refuse(item, reason) {
  item.lastChild.textContent = reason;
  item.lastChild.className = "refusal";
}

async function deliver(address, body, item) {
  for (let left = TRIES; left; left -= 1) {
    const request = await send(address, body, item);
    const line = request.response?.querySelector("#uploads > li");
    if (line) {
      item.replaceWith(line);
      return follow();
    }
    if (!BUSY.has(request.status)) break;
    await pause(AGAIN);
  }
  refuse(item, words.failed);
}

function send(address, body, item) {
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", item.firstChild.textContent);
  item.lastChild.replaceChildren(bar, ` ${words.sending}`);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "document";
    request.upload.onprogress = (event) => (bar.value = event.loaded / event.total);
    request.onloadend = () => resolve(request);
    request.send(body);
  });
}

async function follow() {
  if (following) return;
  following = true;
  for (;;) {
    const waiting = [...list.querySelectorAll("[data-again]")];
    if (!waiting.length) break;
    await pause(AGAIN);
    for (const item of waiting) if (!(await look(item))) break; // those after it wait for the same
  }
  following = false;
  if (uploadForm()) dispatchEvent(new PopStateEvent("popstate")); // the list of documents shows itself again
}

async function look(item) {
  try {
    const response = await fetch(item.dataset.again);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const line = page.querySelector("#uploads > li");
    if (line?.dataset.again) return false;
    if (line) item.replaceWith(line);
    return Boolean(line);
  } catch {
    return false;
  }
}

function dropped(transfer) {
  for (const item of transfer.items) {
    if (item.kind === "file") add(item.getAsFile(), item.webkitGetAsEntry?.()?.isDirectory);
  }
}

function isOverForm(event) {
  return uploadForm() && event.dataTransfer.types.includes("Files");
}

document.addEventListener("submit", (event) => {
  if (event.target !== uploadForm()) return;
  event.preventDefault();
  for (const file of event.target.elements.file.files) add(file);
  event.target.reset();
});

document.addEventListener("dragover", (event) => {
  if (!isOverForm(event)) return;
  event.preventDefault();
  uploadForm().parentElement.classList.add("over");
});

document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) uploadForm()?.parentElement.classList.remove("over");
});

document.addEventListener("drop", (event) => {
  if (!isOverForm(event)) return;
  event.preventDefault();
  uploadForm().parentElement.classList.remove("over");
  dropped(event.dataTransfer);
});

addEventListener("beforeunload", (event) => unsent && event.preventDefault());

document.documentElement.classList.add("can-drop");
follow();
