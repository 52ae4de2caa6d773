// Texts with boxes on the photo: each text a part of a list, each box a rectangle in a layer over the photo; pointing
// at one highlights the other. Regions of a photo are filtered and limited; phrases of a sentence are shown in order.

import { colour, Parts } from "./parts.js";
import { describeReading } from "./server.js";
import { TaskView } from "./task.js";

const SVG = "http://www.w3.org/2000/svg";
const SMALL = 0.15; // of the photo's width or height: a tag within would hide the content
const REQUESTED = 50; // regions at most
const SHOWN_AT_FIRST = 6;

export class RegionsView extends TaskView {
  #shown = []; // ranks

  constructor(command, task, stage) {
    super(command, task, stage);
    this.layer = document.createElement("div"); // hidden from those who listen, for whom the list says it all
    this.layer.className = this.needsText ? "boxes" : "boxes many";
    this.layer.dataset.command = command;
    this.layer.setAttribute("aria-hidden", "true");
    stage.photo.append(this.layer);
    if (task.written) this.#offerWords();
    const hint = "Point at a phrase or at the photo, or choose one, to see its box alone.";
    this.parts = new Parts(this.list, this.find(".description"), hint, (place) => this.#highlight(place), (place) => this.#explain(place));
    [this.filter, this.most] = [".filter", ".most"].map((selector) => this.find(selector));
    for (const control of [this.filter, this.most]) control.addEventListener("input", () => this.#choose());
  }

  query() {
    const { top } = this.task.options;
    return top ? { top: Math.min(REQUESTED, top.maximum ?? REQUESTED) } : {};
  }

  reset() {
    this.filter.value = "";
    this.find(".choice").hidden = true;
    this.#fill([]);
  }

  clear() {
    this.parts.clear();
  }

  show({ regions }) {
    if (this.needsText) {
      this.#fill(regions.map((_, rank) => rank));
      this.find(".count").textContent = describeReading(this.row).trim();
      this.stage.bring(this);
      return;
    }
    this.find(".choice").hidden = this.find(".buttons").hidden = !regions.length;
    this.most.max = Math.max(1, regions.length);
    this.most.value = this.task.written ? regions.length : SHOWN_AT_FIRST;
    this.#choose();
    this.stage.offer(this);
  }

  // Those that are shown.
  copied() {
    return { ...this.row, regions: this.#shown.map((rank) => this.row.regions[rank]) };
  }

  // What is written lies over the photo, to be selected, and can be copied as a whole.
  #offerWords() {
    const button = this.find(".copy-text");
    button.hidden = false;
    button.textContent = "Copy the words";
    const words = () => this.#shown.map((rank) => this.row.regions[rank].text).join("\n");
    button.addEventListener("click", (event) => this.copy(words(), event.target));
  }

  #choose() {
    const { regions, problem = "" } = this.row;
    const matching = regions.map((_, rank) => rank).filter((rank) => matches(regions[rank].text, this.filter.value));
    this.#fill(matching.slice(0, this.most.value));
    this.find(".limit").textContent = this.most.value;
    const count = regions.length ? `${this.#shown.length} of ${regions.length} regions shown.` : "No region found.";
    this.find(".count").textContent = problem ? `${count} Note: ${problem}.` : count;
  }

  #fill(ranks) {
    this.#shown = ranks;
    const shown = ranks.map((rank) => ({ ...this.row.regions[rank], number: rank + 1 }));
    const bySize = shown.map((_, place) => place).sort((one, other) => area(shown[other].box) - area(shown[one].box));
    this.layer.classList.remove("one");
    this.layer.replaceChildren(...shown.map((region, place) => this.#box(region, place, bySize.indexOf(place))));
    this.parts.fill(
      shown.map(({ text, box, score, number }) => {
        const confidence = this.needsText ? "" : `; confidence ${Math.round(100 * score)}%`;
        const description = `“${text}”: ${inWords(box, this.row.size)}${confidence}`;
        return { text, description, badge: String(number), colour: colour(number) };
      }),
    );
  }

  #highlight(place) {
    this.layer.classList.toggle("one", place >= 0);
    [...this.layer.children].forEach((box, other) => box.classList.toggle("shown", other === place));
    if (place >= 0) this.stage.bring(this);
  }

  #explain(place) {
    const region = this.row?.regions[this.#shown[place]];
    if (!region) this.explain();
    else if (this.needsText) this.explain({ text: region.text, place });
    else this.explain({ text: region.text, word: [region.text], box: region.box });
  }

  #box({ text, box: [left, top, right, bottom], number, points }, place, above) {
    const [width, height] = this.row.size;
    const [box, tag, phrase] = ["div", "span", "span"].map((name) => document.createElement(name));
    const fromRight = left + right > width;
    const small = Math.min((right - left) / width, (bottom - top) / height) < SMALL;
    box.className = "box";
    box.classList.toggle("from-right", fromRight);
    box.classList.toggle("tag-above", small && top > SMALL * height);
    tag.className = "tag";
    tag.textContent = number;
    phrase.textContent = text;
    tag.append(phrase);
    box.append(tag);
    if (this.task.written) box.append(words(text, right - left, bottom - top));
    if (points) box.append(skeleton(points, this.row.skeleton ?? [], [left, top, right - left, bottom - top]));
    box.style.setProperty("--colour", colour(number));
    box.style.setProperty("--room", (100 * (fromRight ? right : width - left)) / width);
    Object.assign(box.style, {
      left: `${(100 * left) / width}%`,
      top: `${(100 * top) / height}%`,
      width: `${(100 * (right - left)) / width}%`,
      height: `${(100 * (bottom - top)) / height}%`,
      zIndex: above, // a box within another can be reached
    });
    box.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.parts.point(place));
    box.addEventListener("pointerleave", () => this.parts.point(-1));
    box.addEventListener("click", () => this.parts.toggle(place));
    return box;
  }
}

// A text as wide and as high as its box, not to be seen but to be selected.
function words(text, width, height) {
  const [picture, line] = ["svg", "text"].map((name) => document.createElementNS(SVG, name));
  const attributes = { y: 0.8 * height, "font-size": height, textLength: width, lengthAdjust: "spacingAndGlyphs" };
  picture.setAttribute("class", "words");
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.setAttribute("preserveAspectRatio", "none");
  for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, value);
  line.textContent = text;
  picture.append(line);
  return picture;
}

// The points of a region and the lines between them, over its box.
function skeleton(points, pairs, view) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", view.join(" "));
  drawing.setAttribute("preserveAspectRatio", "none");
  const limbs = pairs.map(([one, other]) => `M${points[one].x} ${points[one].y}L${points[other].x} ${points[other].y}`);
  const dots = points.map(({ x, y }) => `M${x} ${y}h0`);
  for (const [name, parts] of [["limbs", limbs], ["dots", dots]]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", parts.join(""));
    path.setAttribute("vector-effect", "non-scaling-stroke");
    drawing.append(path);
  }
  return drawing;
}

function area([left, top, right, bottom]) {
  return (right - left) * (bottom - top);
}

// Whether each of the words typed is the beginning of a word of the text.
function matches(text, typed) {
  const words = text.toLowerCase().split(/\s+/);
  return typed.toLowerCase().split(/\s+/).every((start) => words.some((word) => word.startsWith(start)));
}

function inWords(box, [width, height]) {
  const [left, top, right, bottom] = box;
  const across = ["left", "middle", "right"][Math.min(2, Math.floor((1.5 * (left + right)) / width))];
  const down = ["top", "middle", "bottom"][Math.min(2, Math.floor((1.5 * (top + bottom)) / height))];
  const share = Math.round((100 * area(box)) / (width * height));
  return `a box around the ${down === across ? "middle" : `${down} ${across}`}, ${share}% of the photo`;
}
