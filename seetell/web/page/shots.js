// A video that plays with its descriptions: a track of them, a line below it, and a list that leads to each shot.

import { TaskView } from "./task.js";
import { clock } from "./times.js";

export class ShotsView extends TaskView {
  constructor(command, task, stage) {
    super(command, task, stage);
    this.film = document.createElement("video");
    this.film.className = "film";
    this.film.controls = true;
    this.told = document.createElement("p");
    this.told.className = "told";
    this.told.setAttribute("aria-live", "polite");
    this.list.className = "shots";
    this.list.before(this.film, this.told);
    for (const event of ["timeupdate", "seeked", "loadedmetadata"]) this.film.addEventListener(event, () => this.#follow());
    this.film.addEventListener("error", () => {
      if (this.row) this.told.textContent = "This browser cannot play the video.";
    });
  }

  reset() {
    URL.revokeObjectURL(this.film.src);
    this.film.removeAttribute("src");
    this.film.load();
    this.told.textContent = "";
    this.list.replaceChildren();
  }

  show({ shots, problem }) {
    this.reset();
    this.film.replaceChildren();
    const track = this.film.addTextTrack("descriptions", "Descriptions", "en");
    for (const { from, to, caption } of shots) if (caption) track.addCue(new VTTCue(from, to, caption));
    this.list.replaceChildren(...shots.map((shot) => this.#item(shot)));
    this.film.src = URL.createObjectURL(this.stage.file);
    this.find(".count").textContent = problem ?? "";
    this.stage.announce(`${shots.length} shots described.`);
  }

  #item({ from, to, caption, reason }) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const text = document.createElement("span");
    button.type = "button";
    button.textContent = `${clock(from)}–${clock(to)}`;
    button.addEventListener("click", () => {
      this.film.currentTime = from;
      this.film.play();
    });
    text.textContent = caption ?? `No description: ${reason}.`;
    item.append(button, " ", text);
    return item;
  }

  #follow() {
    const time = this.film.currentTime;
    const now = (this.row?.shots ?? []).findIndex(({ from, to }) => time >= from && time < to);
    const text = this.row?.shots[now]?.caption ?? "";
    if (this.told.textContent !== text) this.told.textContent = text;
    [...this.list.children].forEach((item, place) => item.classList.toggle("now", place === now));
  }
}
