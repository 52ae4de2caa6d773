// A text in parts, such as words or phrases: each a button that, pointed at, focused or chosen, shows something on the
// photo.

const COLOURS = ["#ffd633", "#4fc3ff", "#ff7abe", "#68d868", "#be96ff", "#ff9c40", "#40e0d0"]; // of drawn pictures, too

// The colour of a number, from 1.
export function colour(number) {
  return COLOURS[(number - 1) % COLOURS.length];
}

export class Parts {
  // show(place) is called with the part to show, -1 for none, and choose(place) with the one that is chosen; description
  // is the element that describes it in words
  constructor(list, description, hint, show, choose = () => {}) {
    Object.assign(this, { list, description, hint, show, choose });
    list.classList.add("parts");
    list.addEventListener("keydown", (event) => this.#step(event));
    this.fill([]);
  }

  // parts: {text, description, badge?, colour?}
  fill(parts) {
    this.chosen = this.pointed = -1;
    this.parts = parts;
    this.list.replaceChildren(...parts.map((part, place) => this.#item(part, place)));
    this.description.textContent = parts.length ? this.hint : "";
  }

  #item(part, place) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "part";
    button.style.setProperty("--place", place);
    button.setAttribute("aria-pressed", "false");
    if (part.badge) {
      const badge = document.createElement("span");
      badge.className = "badge";
      badge.textContent = part.badge;
      button.append(badge);
      button.style.setProperty("--colour", part.colour);
    }
    button.append(part.text);
    button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.point(place));
    button.addEventListener("focus", () => button.matches(":focus-visible") && this.point(place));
    for (const left of ["pointerleave", "blur"]) button.addEventListener(left, () => this.point(-1));
    button.addEventListener("click", () => this.toggle(place));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  point(place) {
    if (this.pointed === place) return;
    this.pointed = place;
    this.#update();
  }

  toggle(place) {
    this.chosen = this.chosen === place ? -1 : place;
    this.#update();
    this.choose(this.chosen);
  }

  clear() {
    if (this.pointed < 0 && this.chosen < 0) return;
    const none = this.chosen < 0;
    this.pointed = this.chosen = -1;
    this.#update();
    if (!none) this.choose(-1);
  }

  #update() {
    const current = this.pointed < 0 ? this.chosen : this.pointed;
    [...this.list.querySelectorAll(".part")].forEach((button, place) => {
      button.classList.toggle("shown", place === current);
      button.setAttribute("aria-pressed", String(place === this.chosen));
    });
    this.description.textContent = this.parts[current]?.description ?? (this.parts.length ? this.hint : "");
    this.show(current);
  }

  #step(event) {
    const buttons = [...this.list.querySelectorAll(".part")];
    const here = buttons.indexOf(document.activeElement);
    const [before, after] = [here - 1, here + 1];
    const steps = { ArrowLeft: before, ArrowUp: before, ArrowRight: after, ArrowDown: after, Home: 0, End: buttons.length - 1 };
    const there = steps[event.key];
    if (event.key === "Escape") this.clear();
    if (there === undefined || !buttons[there]) return;
    event.preventDefault();
    buttons[there].focus();
  }
}
