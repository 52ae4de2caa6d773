// Phrases with boxes on the photo: each phrase a part of a list, each box a rectangle in a layer over the photo;
// pointing at one lights the other.

import { Parts } from "./parts.js";

const COLOURS = ["#ffd633", "#4fc3ff", "#ff7abe", "#68d868", "#be96ff", "#ff9c40", "#40e0d0"]; // as seetell align's
const SMALL = 0.15; // of the photo's width or height: a tag within would hide what is there

export class BoxedParts {
  // layer: over the photo, hidden from those who listen, for whom the list says it all; list, told and invitation: of
  // the parts; lit() is told when one of them is
  constructor(layer, list, told, invitation, lit) {
    this.layer = layer;
    this.parts = new Parts(list, told, invitation, (place) => {
      layer.classList.toggle("one", place >= 0);
      [...layer.children].forEach((box, other) => box.classList.toggle("shown", other === place));
      if (place >= 0) lit();
    });
  }

  // found: {text, box, number, sure?}, the box left, top, right, bottom in pixels of a photo of `size` (width, height)
  fill(found, size) {
    const bySize = found.map((_, place) => place).sort((one, other) => area(found[other].box) - area(found[one].box));
    this.layer.classList.remove("one");
    this.layer.replaceChildren(
      ...found.map((each, place) => this.#box({ ...each, place, above: bySize.indexOf(place) }, size)),
    );
    this.parts.fill(
      found.map(({ text, box, number, sure }) => {
        const certainty = sure === undefined ? "" : `; ${Math.round(100 * sure)}% sure`;
        return { text, told: `“${text}”: ${inWords(box, size)}${certainty}`, badge: String(number), colour: colour(number) };
      }),
    );
  }

  clear() {
    this.parts.clear();
  }

  #box({ text, box: [left, top, right, bottom], number, place, above }, [width, height]) {
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

function colour(number) {
  return COLOURS[(number - 1) % COLOURS.length];
}

function area([left, top, right, bottom]) {
  return (right - left) * (bottom - top);
}

function inWords(box, [width, height]) {
  const [left, top, right, bottom] = box;
  const across = ["left", "middle", "right"][Math.min(2, Math.floor((1.5 * (left + right)) / width))];
  const down = ["top", "middle", "bottom"][Math.min(2, Math.floor((1.5 * (top + bottom)) / height))];
  const share = Math.round((100 * area(box)) / (width * height));
  return `a box around the ${down === across ? "middle" : `${down} ${across}`}, ${share}% of the photo`;
}
