// The form that takes a sheet of questions: the sheet can be dropped, and its size is checked before it is sent.

const form = document.getElementById("batch");
const input = form.elements.sheet;
const status = document.getElementById("answering");

const carriesFile = (event) => event.dataTransfer?.types.includes("Files");

function check() {
  const file = input.files[0];
  input.setCustomValidity(file && file.size > Number(form.dataset.max) ? form.dataset.tooLarge : "");
  status.textContent = "";
  if (file) input.reportValidity();
}

function take(event) {
  if (!carriesFile(event)) return;
  event.preventDefault(); // the browser would show the file in place of the page
  form.classList.remove("over");
  const one = new DataTransfer();
  one.items.add(event.dataTransfer.files[0]);
  input.files = one.files;
  check();
  input.focus();
}

document.getElementById("droppable").hidden = false;
input.addEventListener("change", check);
form.addEventListener("submit", () => (status.textContent = form.dataset.answering));
document.addEventListener("drop", take);
document.addEventListener("dragover", (event) => {
  if (!carriesFile(event)) return;
  event.preventDefault();
  form.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) form.classList.remove("over"); // the file has left the window
});
addEventListener("pageshow", () => (status.textContent = ""));
