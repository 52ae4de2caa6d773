// Image search: photos of the server's index, found by a sentence.

import { describeError, describeReading, request } from "./server.js";
import { clock } from "./times.js";

const WORKERS = 4; // thumbnails fetched side by side

const element = (id) => document.getElementById(id);

// choose(file, sentence) is called with the thumbnail of a photo that the reader chooses, and what was searched for.
export function listenToSearch(choose) {
  element("search-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const query = new URLSearchParams(new FormData(event.target));
    element("search-problem").textContent = "";
    element("search-status").textContent = "Searching…";
    try {
      const answer = await (await request(`v1/search?${query}`)).json();
      const { photos } = answer;
      list(photos, (file) => choose(file, query.get("q")));
      element("search-status").textContent = describeFound(photos) + describeReading(answer);
    } catch (error) {
      element("search-status").textContent = "";
      element("search-problem").textContent = describeError(error);
    }
  });
}

function describeFound(photos) {
  if (!photos.length) return "The index has no photos.";
  const found = photos.length === 1 ? "1 photo." : `${photos.length} photos, best match first.`;
  const written = photos.filter((photo) => photo.written).length;
  if (!written) return found;
  return found + (written === 1 ? " 1 has the words written in it." : ` ${written} have the words written in them.`);
}

function list(photos, choose) {
  const found = element("found");
  for (const image of found.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  const items = photos.map(({ image, seconds, score, photo: path }) => {
    const button = document.createElement("button");
    const picture = new Image();
    const name = document.createElement("span");
    const about = document.createElement("span");
    button.type = "button";
    picture.alt = "";
    const shown = seconds === undefined ? image : `${image} ${clock(seconds)}`;
    name.textContent = shown;
    about.className = "faint";
    about.textContent = score.toFixed(2);
    button.append(picture, name, about);
    button.setAttribute("aria-label", `Describe ${shown}, score ${score.toFixed(2)}`);
    const item = document.createElement("li");
    item.append(button);
    return { item, button, picture, path, image };
  });
  found.replaceChildren(...items.map(({ item }) => item));
  const waiting = [...items];
  for (let worker = 0; worker < WORKERS; worker++) fetchThumbnails(waiting, choose);
}

async function fetchThumbnails(waiting, choose) {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { button, picture, path, image } = next;
    try {
      const thumbnail = await (await request(path.slice(1))).blob();
      picture.src = URL.createObjectURL(thumbnail);
      button.addEventListener("click", () => choose(new File([thumbnail], image, { type: thumbnail.type })));
    } catch (error) {
      button.disabled = true;
      picture.replaceWith(describeError(error));
    }
  }
}
