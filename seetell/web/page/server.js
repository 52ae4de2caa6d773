// Requests to the server; if it needs a key, the reader is asked for one, which is kept until the tab is closed.

const ROOT = new URL("..", import.meta.url); // a proxy may serve this page under any address
const STORED = "seetell-key";
const door = document.getElementById("door");
const keyField = document.getElementById("key");

export class ApiError extends Error {}

export async function request(path, { form, signal } = {}) {
  for (;;) {
    const response = await send(path, form, signal);
    if (response.status === 401) {
      await askForKey();
      continue;
    }
    if (!response.ok) throw new ApiError(await reason(response));
    return response;
  }
}

async function send(path, form, signal) {
  const key = sessionStorage.getItem(STORED);
  // headers hold bytes: letters beyond ASCII are sent in UTF-8
  const headers = key ? { Authorization: `Bearer ${String.fromCharCode(...new TextEncoder().encode(key))}` } : {};
  try {
    return await fetch(new URL(path, ROOT), { method: form ? "POST" : "GET", body: form, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached.");
  }
}

async function reason(response) {
  try {
    const { error, code } = await response.json();
    if (code === "busy" || code === "timed_out") return "The server is busy. Try again in a moment.";
    return `${error.charAt(0).toUpperCase()}${error.slice(1)}.`;
  } catch {
    return `The server answered with status ${response.status}.`;
  }
}

// A message for the reader.
export function describeError(error) {
  return error instanceof ApiError ? error.message : `Something went wrong: ${error.message}`;
}

// How the words of a sentence were read, if not all were known; begins with a space.
export function describeReading({ unknown_words: unknown = [], read_as: others = {} }) {
  const left = unknown.length ? ` Not known, left out: ${unknown.join(", ")}.` : "";
  const read = Object.entries(others).map(([word, other]) => `${word} as ${other}`);
  return left + (read.length ? ` Read as: ${read.join(", ")}.` : "");
}

let asking;

function askForKey() {
  asking ??= new Promise((resolve) => {
    keyField.value = "";
    door.addEventListener("close", () => {
      sessionStorage.setItem(STORED, keyField.value);
      asking = undefined;
      resolve();
    }, { once: true });
    door.showModal();
  });
  return asking;
}

door.addEventListener("cancel", (event) => event.preventDefault()); // nothing works without the key
