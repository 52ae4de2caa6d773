// The page: a photo comes in, its description goes out; then sentences of one's own, and searches.

import { BoxedParts } from "./boxes.js";
import { draw, where } from "./heat.js";
import { Parts } from "./parts.js";
import { MOST, Regions } from "./regions.js";
import { ask, Refused } from "./server.js";
import { listen } from "./sources.js";

const AT_ONCE = 4; // small copies fetched side by side

const element = (id) => document.getElementById(id);
const [photo, ground, map] = ["photo", "ground", "map"].map(element);
const status = element("status");

const abilities = ask("v1/models").then((response) => response.json());
let current; // {file, said}: the photo, and what the server said of it
let request = new AbortController();

const words = new Parts(element("words"), element("told"), "Point at a word, or choose it, to see where it came from.", (place) => {
  const said = current?.said;
  const attention = said?.words[place]?.attention;
  photo.classList.toggle("looking", Boolean(attention));
  if (!attention) return;
  bring(words);
  draw(map, attention, said.covered, said.size);
});

const regions = new Regions(element("region-boxes"), () => bring(regions));

const segments = new BoxedParts(
  element("segment-boxes"),
  element("segments"),
  element("align-told"),
  "Point at a part, or choose it, to see its box alone.",
  () => bring(segments),
);

// Let the photo show what came of its words, its regions or the reader's sentence, and nothing else.
function bring(shown) {
  for (const other of [words, regions, segments]) if (other !== shown) other.clear();
  if (shown !== words) for (const boxed of [regions, segments]) boxed.layer.hidden = boxed !== shown;
}

function tell(problem, error) {
  if (error.name === "AbortError") return;
  problem.textContent = error instanceof Refused ? error.message : `Something went wrong: ${error.message}`;
}

async function describe(file) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  current = { file };
  forget();
  element("stage").hidden = false;
  URL.revokeObjectURL(ground.src);
  ground.src = URL.createObjectURL(file);
  ground.alt = `${file.name}, not described yet`;
  status.className = "";
  status.textContent = "Looking at the photo…";
  try {
    const able = await abilities;
    if (file.size > able.limits.bytes) throw new Refused(`A photo has at most ${Math.floor(able.limits.bytes / 2 ** 20)} megabytes here.`);
    const form = new FormData();
    form.set("image", file);
    const response = await ask(`v1/caption?attention=${able.caption.attention}`, { form, signal });
    current.said = await response.json();
    present(current.said);
    element("align").hidden = !able.align;
    if (able.regions) findRegions(form, signal);
  } catch (error) {
    status.textContent = "";
    if (!signal.aborted) element("stage").hidden = true;
    tell(element("problem"), error);
  }
}

async function findRegions(form, signal) {
  regions.wait();
  try {
    const row = await (await ask(`v1/regions?top=${MOST}`, { form, signal })).json();
    regions.take(row);
    regions.layer.hidden = segments.layer.childElementCount > 0;
  } catch (error) {
    if (!signal.aborted) regions.fail();
    tell(element("regions-problem"), error);
  }
}

function forget() {
  words.fill([]);
  regions.forget();
  segments.fill([]);
  photo.classList.remove("looking");
  element("caption").hidden = element("align").hidden = true;
  for (const place of ["problem", "regions-problem", "align-problem"]) element(place).textContent = "";
}

function present(said) {
  ground.alt = altText(said.caption);
  status.className = "unseen"; // the words below show it; this line says it to those who listen
  status.textContent = `Description: ${altText(said.caption)}`;
  element("caption").hidden = false;
  words.fill(
    said.words.map(({ text, logprob, attention }) => {
      const likely = `${Math.round(100 * Math.exp(logprob ?? -Infinity))}% likely`;
      const looked = attention ? `the model looked ${where(attention, said.covered, said.size)}; ` : "";
      return { text, told: `“${text}”: ${looked}${likely}` };
    }),
  );
}

function altText(caption) {
  const text = caption.charAt(0).toUpperCase() + caption.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

element("align-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = current;
  const form = new FormData(event.target);
  form.set("image", asked.file);
  element("align-problem").textContent = "";
  element("align-told").textContent = "Looking…";
  try {
    const aligned = await (await ask("v1/align", { form, signal: request.signal })).json();
    if (asked !== current) return;
    segments.fill(aligned.regions.map(({ text, box }, place) => ({ text, box, number: place + 1 })), aligned.size);
    bring(segments);
  } catch (error) {
    segments.fill([]);
    bring(regions);
    tell(element("align-problem"), error);
  }
});

element("search-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const query = new URLSearchParams(new FormData(event.target));
  element("search-problem").textContent = "";
  element("search-status").textContent = "Searching…";
  try {
    const { photos } = await (await ask(`v1/search?${query}`)).json();
    list(photos);
    element("search-status").textContent = photos.length ? `${photos.length} photos, the best first.` : "The index has no photos.";
  } catch (error) {
    element("search-status").textContent = "";
    tell(element("search-problem"), error);
  }
});

function list(photos) {
  const found = element("found");
  for (const image of found.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  const items = photos.map(({ image, score, photo: path }) => {
    const button = document.createElement("button");
    const picture = new Image();
    const name = document.createElement("span");
    const about = document.createElement("span");
    button.type = "button";
    picture.alt = "";
    name.textContent = image;
    about.className = "faint";
    about.textContent = score.toFixed(2);
    button.append(picture, name, about);
    button.setAttribute("aria-label", `Describe ${image}, which fits by ${score.toFixed(2)}`);
    const item = document.createElement("li");
    item.append(button);
    return { item, button, picture, path, image };
  });
  found.replaceChildren(...items.map(({ item }) => item));
  const waiting = [...items];
  for (let worker = 0; worker < AT_ONCE; worker++) fetchCopies(waiting);
}

async function fetchCopies(waiting) {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { button, picture, path, image } = next;
    try {
      const copy = await (await ask(path.slice(1))).blob();
      picture.src = URL.createObjectURL(copy);
      button.addEventListener("click", () => {
        element("give").scrollIntoView();
        describe(new File([copy], image, { type: copy.type }));
        element("stage-title").focus({ preventScroll: true });
      });
    } catch (error) {
      button.disabled = true;
      picture.replaceWith(error.message);
    }
  }
}

async function copy(text, button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = button.textContent = "Copied";
  } catch {
    status.textContent = button.textContent = "This browser does not let the page copy";
  }
  setTimeout(() => (button.textContent = label), 2000);
}

element("copy-text").addEventListener("click", (event) => copy(altText(current.said.caption), event.target));
element("copy-json").addEventListener("click", (event) => {
  const { size, covered, ...said } = current.said;
  const plain = { ...said, words: said.words.map(({ text, logprob }) => ({ text, logprob })) };
  copy(JSON.stringify(plain), event.target);
});

element("copy-regions").addEventListener("click", (event) => copy(JSON.stringify(regions.row), event.target));

ground.addEventListener("error", () => photo.classList.add("hidden-ground")); // TIFF, say, which browsers cannot show
ground.addEventListener("load", () => {
  photo.classList.remove("hidden-ground");
  photo.style.setProperty("--proportion", ground.naturalWidth / ground.naturalHeight);
});

listen(describe, (problem) => (element("problem").textContent = problem));
abilities.then(
  (able) => (element("search").hidden = !able.search),
  (error) => tell(element("problem"), error),
);
