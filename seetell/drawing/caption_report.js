const tools = document.querySelector(".tools");
const list = document.querySelector(".photos");
const summary = document.querySelector(".summary");
const filter = document.querySelector("#filter");
const shown = document.querySelector("#shown");
const order = document.querySelector("#order");
const PAUSE = 150; // milliseconds after the last key before the page updates

const photos = [...list.children].map((item) => {
  const caption = item.querySelector("textarea");
  return {
    item,
    caption,
    original: caption?.defaultValue ?? "",
    image: item.dataset.image,
    model: item.dataset.model,
    logprob: item.dataset.logprob ? Number(item.dataset.logprob) : null,
    confidence: item.dataset.confidence ? Number(item.dataset.confidence) : null,
    rank: Number(item.dataset.rank || 0), // without a confidence by words, so that long sentences do not come first
    reason: item.dataset.reason, // why the caption is withheld
    error: item.dataset.error,
  };
});
let unsaved = false;
let timer = 0;

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const changed = (photo) => photo.caption !== null && photo.caption.value !== photo.original;
const rejected = (photo) => changed(photo) && photo.caption.value.trim() === ""; // a veto to `seetell alt --captions`
const edited = (photo) => changed(photo) && !rejected(photo);

// Photos that do not match leave the page: thousands that are only hidden would make it slow.
function select() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = photos.filter((photo) => {
    const text = `${photo.image} ${photo.caption?.value ?? photo.error}`.toLowerCase();
    const kinds = { all: true, edited: edited(photo), rejected: rejected(photo), failed: photo.error !== undefined };
    return kinds[shown.value] && words.every((word) => text.includes(word));
  });
  if (order.value === "confidence") matching.sort((one, other) => one.rank - other.rank);
  list.hidden = true;
  list.getBoundingClientRect(); // laid out as hidden first, or the browser looks after each photo that leaves: ten times slower
  list.replaceChildren(...matching.map((photo) => photo.item));
  list.hidden = false;
  updateSummary();
}

function updateSummary() {
  const count = list.childElementCount;
  const edits = photos.filter(edited).length;
  const rejections = photos.filter(rejected).length;
  const failed = photos.filter((photo) => photo.error !== undefined).length;
  summary.textContent = [
    count === photos.length ? plural(count, "photo") : `${count.toLocaleString("en")} of ${plural(photos.length, "photo")}`,
    failed ? `${failed.toLocaleString("en")} failed` : "",
    edits ? `${plural(edits, "caption")} edited` : "",
    rejections ? `${plural(rejections, "caption")} rejected` : "",
  ].filter(Boolean).join(" · ") + (unsaved && photos.some(changed) ? ", not saved" : "");
}

function mark(photo) {
  photo.item.classList.toggle("edited", changed(photo));
  photo.item.classList.toggle("rejected", rejected(photo));
  photo.reject.hidden = photo.caption.value.trim() === "";
  let restore = photo.item.querySelector(".restore");
  if (!changed(photo)) {
    restore?.remove();
    return;
  }
  if (restore === null) {
    restore = button("restore", () => {
      photo.caption.value = photo.original;
      photo.caption.focus();
      changedBy(photo);
    });
    photo.item.append(restore);
  }
  restore.textContent = rejected(photo) ? "Rejected: undo" : "Edited: undo";
  const what = rejected(photo) ? "rejection" : "edit";
  restore.setAttribute("aria-label", `Undo the ${what} of the caption of ${photo.image}`);
}

function button(name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.addEventListener("click", act);
  return made;
}

// A photo whose caption is rejected gets no alt text from the saved file.
function allowRejection(photo) {
  photo.reject = button("reject", () => {
    photo.caption.value = "";
    changedBy(photo);
    photo.item.querySelector(".restore").focus();
  });
  photo.reject.textContent = "Reject";
  photo.reject.setAttribute("aria-label", `Reject the caption of ${photo.image}`);
  photo.caption.after(photo.reject);
}

function changedBy(photo) {
  unsaved = true;
  mark(photo);
  debounce(updateSummary);
}

function debounce(work) {
  clearTimeout(timer);
  timer = setTimeout(work, PAUSE);
}

const row = (photo) => ({
  image: photo.image,
  ...(photo.caption === null
    ? { error: photo.error }
    : {
        caption: photo.caption.value.replace(/\s+/g, " ").trim(),
        ...(photo.confidence !== null && !changed(photo) && { confidence: photo.confidence }),
        logprob: photo.logprob,
        ...(photo.reason && !changed(photo) && { reason: photo.reason }),
        model: photo.model,
        edited: changed(photo),
        ...(rejected(photo) && { rejected: true }),
      }),
});

const FORMULA = /^'*(\s*[=+\-@＝＋－＠]|[\t\r\n])/; // an apostrophe keeps spreadsheets from running it: csv_cells.py

const cell = (value) => {
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const COLUMNS = ["image", "caption", "confidence", "logprob", "reason", "error"];
const WRITERS = {
  csv: (rows) => [COLUMNS, ...rows.map((fields) => COLUMNS.map((name) => fields[name]))].map((cells) => `${cells.map(cell).join(",")}\n`),
  jsonl: (rows) => rows.map((fields) => `${JSON.stringify(fields)}\n`),
};

function save(kind) {
  const type = kind === "csv" ? "text/csv" : "application/jsonl";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(WRITERS[kind](photos.map(row)), { type }));
  link.download = `${list.dataset.saved}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  unsaved = false;
  updateSummary();
}

const visible = new IntersectionObserver(
  (entries) => {
    for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
      const picture = target.querySelector("img");
      if (picture) picture.src = picture.dataset.src;
      visible.unobserve(target);
    }
  },
  { rootMargin: "800px" }, // before it scrolls into view
);

tools.hidden = false;
tools.addEventListener("submit", (event) => event.preventDefault());
filter.addEventListener("input", () => debounce(select));
shown.addEventListener("change", select);
order.addEventListener("change", select);
for (const saving of document.querySelectorAll("[data-save]")) {
  saving.addEventListener("click", () => save(saving.dataset.save));
}
const photoOf = new Map(photos.map((photo) => [photo.caption, photo]));
list.addEventListener("input", (event) => changedBy(photoOf.get(event.target)));
addEventListener("beforeunload", (event) => {
  if (unsaved && photos.some(changed)) event.preventDefault();
});
for (const photo of photos) {
  visible.observe(photo.item);
  if (photo.caption === null) continue;
  photo.caption.readOnly = false;
  allowRejection(photo);
  if (changed(photo)) mark(photo); // kept by the browser over a reload
}
updateSummary();
const pages = document.querySelector(".pages");
if (pages !== null) {
  const above = pages.cloneNode(true);
  above.setAttribute("aria-label", "Pages, above the photos");
  list.before(above);
}
