const photo = document.querySelector(".photo");
const places = [...document.querySelectorAll(".place")];
const words = [...document.querySelectorAll(".word")];
const description = document.querySelector(".description");
const play = document.querySelector(".play");
const hint = description.textContent;
const SECONDS_PER_WORD = 1;

let chosen = -1; // stays until another word is chosen
let pointed = -1; // it or its place under the mouse, or reached by the keyboard
let timer = 0;

function show() {
  const current = pointed < 0 ? chosen : pointed;
  photo.classList.toggle("looking", current >= 0);
  places.forEach((place, number) => place.classList.toggle("shown", number === current));
  words.forEach((word, number) => {
    word.classList.toggle("shown", number === current);
    word.setAttribute("aria-pressed", String(number === chosen));
  });
  description.textContent = current < 0 ? hint : words[current].dataset.description;
}

function setPlaying(wanted) {
  clearInterval(timer);
  timer = wanted ? setInterval(next, 1000 * SECONDS_PER_WORD) : 0;
  play.textContent = wanted ? "Stop" : "Play";
  play.classList.toggle("playing", wanted);
}

function next() {
  chosen = chosen + 1 < words.length ? chosen + 1 : -1;
  if (chosen < 0) setPlaying(false);
  show();
}

function point(number) {
  pointed = number;
  show();
}

function choose(number) {
  setPlaying(false);
  chosen = chosen === number ? -1 : number;
  show();
}

for (const elements of [words, places]) {
  elements.forEach((element, number) => {
    element.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") point(number);
    });
    element.addEventListener("pointerleave", () => point(-1));
    element.addEventListener("click", () => choose(number));
  });
}
words.forEach((word, number) => {
  word.addEventListener("focus", () => {
    if (word.matches(":focus-visible")) point(number);
  });
  word.addEventListener("blur", () => point(-1));
});

play.addEventListener("click", () => {
  setPlaying(!timer);
  if (!timer) return;
  chosen = -1;
  next();
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) {
    const here = words.indexOf(document.activeElement);
    const there = here < 0 ? 0 : Math.min(Math.max(here + step, 0), words.length - 1);
    words[there]?.focus();
  } else if (event.key === "Escape") {
    setPlaying(false);
    chosen = pointed = -1;
    show();
  }
});
