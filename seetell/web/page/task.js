// A task's section on the page: its form, if a text goes with the photo, and its result, which subclasses show.

import { Maps } from "./explain.js";
import { describeError, request } from "./server.js";

const TEMPLATE = document.getElementById("task-template").content.firstElementChild;
const COPIED_MILLISECONDS = 2000;

export class TaskView {
  // command: the address under v1/; task: what /v1/models says of it; stage: what the views share
  constructor(command, task, stage) {
    Object.assign(this, { command, task, stage });
    this.section = TEMPLATE.cloneNode(true);
    Object.assign(this.section.dataset, { command, result: task.result, text: task.text_input ?? "" });
    this.find("h2").textContent = task.title;
    this.find(".about").textContent = task.summary;
    this.section.querySelectorAll("label").forEach((label) => {
      const input = label.parentElement.querySelector("input");
      input.id = label.htmlFor = `${command}-${input.className || "text"}`;
    });
    this.list = this.find("ol");
    this.list.setAttribute("aria-label", task.title);
    if (this.needsText) this.#listenToForm();
    this.maps = task.methods.length ? new Maps(this, task.methods) : undefined;
    this.find(".copy-json").addEventListener("click", (event) => this.copy(JSON.stringify(this.copied()), event.target));
  }

  // show(row): show a result; reset(): show none; clear(): choose nothing; copied(): the object to copy
  reset() {}
  clear() {}
  query() {
    return {};
  }
  copied() {
    return this.row;
  }

  get needsText() {
    return Boolean(this.task.text_input);
  }

  find(selector) {
    return this.section.querySelector(selector);
  }

  forget() {
    this.row = undefined;
    this.section.hidden = true;
    this.#say({});
    this.#finish(false);
    this.maps?.forget();
    this.reset();
  }

  // Show where a part comes from, see Maps.show, or with none that nothing is chosen.
  explain(part) {
    if (part) this.maps?.show(part);
    else this.maps?.clear();
  }

  async predict(text) {
    const { file, signal } = this.stage;
    const form = new FormData();
    form.set(this.task.input, file);
    if (text !== undefined) form.set(this.task.text_input, text);
    const response = await request(`v1/${this.command}?${new URLSearchParams(this.query())}`, { form, signal });
    const row = await response.json();
    if (signal.aborted) return;
    this.row = row;
    this.sent = text;
    this.maps?.forget();
    this.section.hidden = false;
    this.#say({});
    this.#finish(true);
    this.show(row);
  }

  // Predict; what goes wrong is said in the section.
  async tryToPredict(text) {
    const { signal } = this.stage;
    this.section.hidden = false;
    this.#say({ count: "Looking at the photo…" });
    try {
      await this.predict(text);
    } catch (error) {
      if (signal.aborted) return;
      this.#finish(false);
      this.reset();
      this.#say({ problem: describeError(error) });
    }
  }

  async copy(text, button) {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "This browser does not let the page copy";
    }
    this.stage.announce(button.textContent);
    setTimeout(() => (button.textContent = label), COPIED_MILLISECONDS);
  }

  #say({ problem = "", count = "" }) {
    this.find(".problem").textContent = problem;
    this.find(".count").textContent = count;
  }

  #finish(done) {
    this.find(".buttons").hidden = !done;
  }

  #listenToForm() {
    const form = this.find("form");
    const name = this.task.text_input;
    form.hidden = false;
    form.querySelector("label").textContent = name.charAt(0).toUpperCase() + name.slice(1);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.tryToPredict(form.querySelector("input").value);
    });
  }

  // Fill the form in and send it.
  ask(text) {
    this.find("form input").value = text;
    return this.tryToPredict(text);
  }
}
