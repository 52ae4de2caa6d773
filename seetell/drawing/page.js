const photo = document.querySelector(".photo");
const maps = [...document.querySelectorAll(".map")];
const words = [...document.querySelectorAll(".word")];
const told = document.querySelector(".told");
const play = document.querySelector(".play");
const invitation = told.textContent;
const SECONDS_A_WORD = 1;

let chosen = -1; // stays until another word is chosen
let pointed = -1; // under the mouse, or reached by the keyboard
let timer = 0;

function show() {
  const current = pointed < 0 ? chosen : pointed;
  photo.classList.toggle("looking", current >= 0);
  maps.forEach((map, place) => map.classList.toggle("shown", place === current));
  words.forEach((word, place) => {
    word.classList.toggle("shown", place === current);
    word.setAttribute("aria-pressed", String(place === chosen));
  });
  told.textContent = current < 0 ? invitation : words[current].dataset.told;
}

function playing(wanted) {
  clearInterval(timer);
  timer = wanted ? setInterval(next, 1000 * SECONDS_A_WORD) : 0;
  play.textContent = wanted ? "Stop" : "Play";
  play.classList.toggle("playing", wanted);
}

function next() {
  chosen = chosen + 1 < words.length ? chosen + 1 : -1;
  if (chosen < 0) playing(false);
  show();
}

words.forEach((word, place) => {
  word.addEventListener("pointerenter", (event) => {
    if (event.pointerType !== "mouse") return;
    pointed = place;
    show();
  });
  word.addEventListener("focus", () => {
    if (!word.matches(":focus-visible")) return;
    pointed = place;
    show();
  });
  for (const left of ["pointerleave", "blur"]) {
    word.addEventListener(left, () => {
      pointed = -1;
      show();
    });
  }
  word.addEventListener("click", () => {
    playing(false);
    chosen = chosen === place ? -1 : place;
    show();
  });
});

play.addEventListener("click", () => {
  playing(!timer);
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
    playing(false);
    chosen = pointed = -1;
    show();
  }
});
