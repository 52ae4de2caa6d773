// What is where: the regions of a photo, as many as the reader wants and with the words that they look for.

import { BoxedParts } from "./boxes.js";

export const MOST = 50; // asked for
const AT_FIRST = 6; // shown

const [section, only, most, number, count] = ["regions", "only", "most", "most-number", "regions-count"].map((id) =>
  document.getElementById(id),
);

export class Regions extends BoxedParts {
  #row; // what the server said, none while it is asked
  #shown = [];

  constructor(layer, lit) {
    const [phrases, told] = ["phrases", "phrases-told"].map((id) => document.getElementById(id));
    super(layer, phrases, told, "Point at a phrase or at the photo, or choose one, to see its box alone.", lit);
    for (const control of [only, most]) control.addEventListener("input", () => this.#choose());
  }

  // what is shown, as the server tells it
  get row() {
    return { ...this.#row, regions: this.#shown.map((place) => this.#row.regions[place]) };
  }

  wait() {
    this.forget();
    section.hidden = false;
    count.textContent = "Looking for regions…";
  }

  fail() {
    count.textContent = "";
  }

  forget() {
    this.#row = undefined;
    this.#shown = [];
    this.fill([]);
    section.hidden = true;
    section.classList.remove("found");
    count.textContent = only.value = "";
  }

  take(row) {
    this.#row = row;
    section.classList.toggle("found", row.regions.length > 0);
    most.max = Math.max(1, row.regions.length);
    most.value = AT_FIRST;
    this.#choose();
  }

  #choose() {
    const { regions, size } = this.#row;
    const places = regions.map((_, place) => place);
    this.#shown = places.filter((place) => says(regions[place].text, only.value)).slice(0, most.value);
    this.fill(
      this.#shown.map((place) => {
        const { text, box, score } = regions[place];
        return { text, box, number: place + 1, sure: score };
      }),
      size,
    );
    number.textContent = most.value;
    count.textContent = regions.length ? `${this.#shown.length} of ${regions.length} regions shown.` : "No region found.";
  }
}

// Whether each of the words that are sought is the beginning of one of the phrase's.
function says(phrase, sought) {
  const words = phrase.toLowerCase().split(/\s+/);
  const beginnings = sought.toLowerCase().split(/\s+/);
  return beginnings.every((beginning) => words.some((word) => word.startsWith(beginning)));
}
