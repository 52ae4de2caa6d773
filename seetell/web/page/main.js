// The page: a photo comes in, and each task that the server offers shows its result in a section, by its shape.

import { LabelsView } from "./labels.js";
import { MasksView } from "./masks.js";
import { RegionsView } from "./regions.js";
import { listenToSearch } from "./search.js";
import { ApiError, describeError, request } from "./server.js";
import { ShotsView } from "./shots.js";
import { listenToSources } from "./sources.js";
import { StyleSection } from "./style.js";
import { TextView } from "./text.js";
import { TracksView } from "./tracks.js";

// by result shape
const VIEWS = {
  text: TextView,
  regions: RegionsView,
  labels: LabelsView,
  masks: MasksView,
  shots: ShotsView,
  tracks: TracksView,
};

const element = (id) => document.getElementById(id);
const [photo, ground, status, problem] = ["photo", "ground", "status", "problem"].map(element);

let requests = new AbortController(); // those about the current photo

// What the views share: the photo, and the line for those who listen.
const stage = {
  photo,
  map: element("map"),
  file: undefined,
  get signal() {
    return requests.signal;
  },
  // Let the photo show the result of one view alone.
  bring(shown) {
    for (const view of views) if (view !== shown) view.clear();
    if (shown.layer) for (const view of views) if (view.layer) view.layer.hidden = view !== shown;
  },
  // Show the boxes of a view, unless others are on the photo already.
  offer(shown) {
    shown.layer.hidden = views.some((view) => view !== shown && view.layer?.childElementCount && !view.layer.hidden);
  },
  // Say something to those who listen, which the others see elsewhere.
  announce(text) {
    status.className = "unseen";
    status.textContent = text;
  },
  describe(text) {
    ground.alt = text;
    stage.announce(`Description: ${text}`);
  },
};

const server = request("v1/models").then((response) => response.json());
let views = [];
let drawing; // the section of styles, if the server draws
const ready = server.then(({ tasks, explain, styles }) => {
  views = Object.entries(tasks)
    .filter(([, task]) => task.result in VIEWS)
    .map(([command, task]) => new VIEWS[task.result](command, { ...task, methods: explain[command] ?? [] }, stage))
    .sort((one, other) => one.needsText - other.needsText); // those with a form last
  if (views.some(({ task }) => task.input === "video")) offerVideos();
  if (styles.length) drawing = new StyleSection(styles, stage);
  element("tasks").replaceChildren(...[...views, drawing].filter(Boolean).map(({ section }) => section));
});

// sentence: what the photo was found by, for the sections that take one: they show where it is that.
async function describe(file, sentence) {
  requests.abort();
  requests = new AbortController();
  const { signal } = requests;
  stage.file = file;
  problem.textContent = "";
  photo.classList.remove("looking");
  const input = file.type.startsWith("video/") ? "video" : "image";
  photo.hidden = input === "video";
  for (const view of views) view.forget();
  drawing?.forget();
  element("stage").hidden = false;
  URL.revokeObjectURL(ground.src);
  ground.src = input === "image" ? URL.createObjectURL(file) : "";
  ground.alt = file.name;
  status.className = "";
  status.textContent = `Looking at the ${input === "image" ? "photo" : "video"}…`;
  try {
    await ready;
    const { limits } = await server;
    if (file.size > limits.bytes) throw new ApiError(`A file has at most ${Math.floor(limits.bytes / 2 ** 20)} megabytes here.`);
    const able = views.filter(({ task }) => task.input === input);
    if (!able.length && !(input === "image" && drawing)) throw new ApiError(`This server takes no ${input === "image" ? "photos" : "videos"}.`);
    const [first, ...others] = able.filter((view) => !view.needsText);
    await first?.predict();
    if (signal.aborted) return;
    if (status.className === "") status.textContent = "";
    for (const view of able) if (view.needsText) view.section.hidden = false;
    if (input === "image") drawing?.forget(file);
    for (const view of others) await view.tryToPredict();
    if (sentence) for (const view of able) if (view.needsText) await view.ask(sentence);
  } catch (error) {
    if (signal.aborted) return;
    status.textContent = "";
    element("stage").hidden = true;
    problem.textContent = describeError(error);
  }
}

function offerVideos() {
  element("file").accept = "image/*,video/*";
  element("choose").textContent = "Choose a photo or a video";
}

ground.addEventListener("error", () => photo.classList.add("hidden-ground")); // TIFF, say, which browsers cannot show
ground.addEventListener("load", () => {
  photo.classList.remove("hidden-ground");
  photo.style.setProperty("--proportion", ground.naturalWidth / ground.naturalHeight);
});

listenToSources(describe, (message) => (problem.textContent = message));
listenToSearch((file, sentence) => {
  element("give").scrollIntoView();
  describe(file, sentence);
  element("stage-title").focus({ preventScroll: true });
});
Promise.all([server, ready]).then(
  ([{ search }]) => (element("search").hidden = !search),
  (error) => (problem.textContent = describeError(error)),
);
