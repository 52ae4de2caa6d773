// Where a part of a result comes from: maps of several methods side by side, under the part that was chosen.

import { draw } from "./heat.js";
import { describeError, request } from "./server.js";

const COVERING = "Covering one part of the photo after the other…";
const IN_TURN = { attention: 0, occlusion: 1 }; // what the server answers with unless it is asked for others

export class Maps {
  #answers = new Map(); // by query, those about the current photo
  #shown; // the part that the reader chose

  // view: whose section shows the maps; methods: of the server for its command
  constructor(view, methods) {
    Object.assign(this, { view, slower: methods.filter((method) => !(method in IN_TURN)) });
    [this.box, this.row, this.status, this.more] = [".maps", ".maps .row", ".maps .state", ".maps button"].map((name) =>
      view.find(name),
    );
    this.more.addEventListener("click", () => this.#addSlower(this.#shown));
  }

  forget() {
    this.#answers.clear();
    this.clear();
  }

  clear() {
    this.#shown = undefined;
    this.box.hidden = true;
    this.row.replaceChildren();
  }

  // part: {text, place, box?, word?}; with a word only the parts of that name are asked for, otherwise all at once
  async show(part) {
    this.clear();
    this.box.hidden = false;
    this.#shown = part;
    this.more.hidden = true;
    await this.#add(part, COVERING, part.word ?? []);
    if (this.#shown === part) this.more.hidden = !this.slower.length || !this.row.childElementCount;
  }

  // Add the maps of the other methods, each as soon as it is there.
  async #addSlower(part) {
    this.more.hidden = true;
    for (const method of this.slower) {
      if (this.#shown === part) await this.#add(part, `Asking for ${plain(method)}…`, [part.text], method);
    }
  }

  async #add(part, waiting, words, method) {
    this.status.textContent = waiting;
    try {
      const row = await this.#ask(words, method);
      if (this.#shown !== part) return;
      const found = chosen(row.explained, part);
      this.row.append(...(found?.maps ?? []).map((map) => this.#figure(map, found, row.size)));
      this.status.textContent = found ? "" : "The model does not explain this part.";
      if (found) this.view.stage.announce(`Maps of “${part.text}”: ${found.maps.map(named).join("; ")}`);
    } catch (error) {
      if (this.#shown === part && !this.view.stage.signal.aborted) this.status.textContent = describeError(error);
    }
  }

  // Ask the server once for each query.
  #ask(words, method) {
    const query = new URLSearchParams({ command: this.view.command });
    for (const word of words) query.append("word", word);
    if (method) query.set("method", method);
    const known = this.#answers.get(String(query));
    if (known) return known;
    const { file, signal } = this.view.stage;
    const form = new FormData();
    form.set("image", file);
    if (this.view.sent !== undefined) form.set("text", this.view.sent);
    const answer = request(`v1/explain?${query}`, { form, signal }).then((response) => response.json());
    this.#answers.set(String(query), answer);
    answer.catch(() => this.#answers.delete(String(query)));
    return answer;
  }

  #figure(map, { box }, size) {
    const [figure, shot, ground, canvas, caption] = ["figure", "div", "img", "canvas", "figcaption"].map((name) =>
      document.createElement(name),
    );
    shot.className = "shot";
    shot.style.setProperty("--proportion", size[0] / size[1]);
    ground.src = document.getElementById("ground").src;
    ground.alt = "";
    draw(canvas, map.values, map.box, size);
    shot.append(ground, canvas);
    if (box) {
      const outline = document.createElement("div");
      outline.className = "outline";
      Object.assign(outline.style, {
        left: `${(100 * box[0]) / size[0]}%`,
        top: `${(100 * box[1]) / size[1]}%`,
        width: `${(100 * (box[2] - box[0])) / size[0]}%`,
        height: `${(100 * (box[3] - box[1])) / size[1]}%`,
      });
      shot.append(outline);
    }
    caption.textContent = named(map);
    figure.append(shot, caption);
    return figure;
  }
}

// The explained part that was chosen: by its place on the photo, its place in the answer, or its name.
function chosen(explained, { text, place, box }) {
  if (box) {
    const distance = (other) => other.reduce((sum, edge, side) => sum + Math.abs(edge - box[side]), 0);
    return explained.filter((part) => part.box).sort((one, other) => distance(one.box) - distance(other.box))[0];
  }
  return explained[place]?.text === text ? explained[place] : explained.find((part) => part.text === text);
}

function plain(method) {
  return method.replaceAll("-", " ");
}

// A method, of occlusion also how much the score falls at most, or rises where that is more.
function named({ method, values }) {
  const name = plain(method);
  if (method !== "occlusion") return name;
  const [low, high] = [Math.min(...values.flat()), Math.max(...values.flat())];
  const change = high >= -low ? -high : -low;
  return `${name}, ${change.toFixed(2).replace("-", "−")}`;
}
