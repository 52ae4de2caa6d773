// A video that plays with the boxes of its objects, and a list of them that leads to where each is first seen.

import { colour } from "./parts.js";
import { TaskView } from "./task.js";
import { clock } from "./times.js";

export class TracksView extends TaskView {
  constructor(command, task, stage) {
    super(command, task, stage);
    [this.frame, this.film, this.layer] = ["div", "video", "div"].map((name) => document.createElement(name));
    this.frame.className = "tracked";
    this.film.controls = true;
    this.layer.setAttribute("aria-hidden", "true"); // the list says it all
    this.frame.append(this.film, this.layer);
    this.list.className = "shots";
    this.list.before(this.frame);
    for (const event of ["timeupdate", "seeked", "loadeddata"]) this.film.addEventListener(event, () => this.#draw());
    this.film.addEventListener("play", () => this.#play());
    this.film.addEventListener("error", () => {
      if (this.row) this.find(".count").textContent = "This browser cannot play the video.";
    });
  }

  reset() {
    URL.revokeObjectURL(this.film.src);
    this.film.removeAttribute("src");
    this.film.load();
    this.layer.replaceChildren();
    this.list.replaceChildren();
  }

  show({ tracks, size: [width, height], problem }) {
    this.reset();
    this.frame.style.setProperty("--proportion", width / height);
    this.list.replaceChildren(...tracks.map((track) => this.#item(track)));
    this.film.src = URL.createObjectURL(this.stage.file);
    this.find(".count").textContent = problem ?? (tracks.length ? "" : "Nothing was followed.");
    this.stage.announce(`${tracks.length} objects followed.`);
  }

  #item({ id, text, from, to }) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = [...new Set([clock(from), clock(to)])].join("–");
    button.addEventListener("click", () => {
      this.film.currentTime = from;
      this.film.play();
    });
    item.append(button, ` ${text || "object"} ${id}`);
    item.style.setProperty("--colour", colour(id));
    return item;
  }

  #play() {
    this.#draw();
    if (!this.film.paused && !this.film.ended) requestAnimationFrame(() => this.#play());
  }

  #draw() {
    if (!this.row) return;
    const { tracks, fps, size } = this.row;
    const time = this.film.currentTime + 0.001;
    const shown = tracks.flatMap((track) => {
      const place = last(track.seconds, time);
      return place >= 0 && time - track.seconds[place] < 1.5 / fps ? [box(track, track.boxes[place], size)] : [];
    });
    this.layer.replaceChildren(...shown);
    [...this.list.children].forEach((item, place) => {
      item.classList.toggle("now", time >= tracks[place].from && time < tracks[place].to);
    });
  }
}

// The place of the last of ascending numbers that is no greater; -1 if none is.
function last(numbers, most) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= most) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function box({ id, text }, [left, top, right, bottom], [width, height]) {
  const [element, tag] = ["div", "span"].map((name) => document.createElement(name));
  tag.textContent = `${text || "object"} ${id}`;
  element.append(tag);
  element.style.setProperty("--colour", colour(id));
  Object.assign(element.style, {
    left: `${(100 * left) / width}%`,
    top: `${(100 * top) / height}%`,
    width: `${(100 * (right - left)) / width}%`,
    height: `${(100 * (bottom - top)) / height}%`,
  });
  return element;
}
