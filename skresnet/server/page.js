// The page of `skresnet serve`: each picture is a request of its own, a few at a time,
// so that results come as they are made and a broken file spoils no other.
"use strict";

const AT_A_TIME = 4;
const SHOWN = 3; // classes of a picture, of models that know many
const RETRIES = 30; // of a server that is busy

const find = (id) => document.getElementById(id);
const waiting = [];
const model = fetch("model").then((response) => response.json());
let working = 0;
let done = 0;
let total = 0;
const tallies = new Map(); // how many pictures are of a class, or of none
let generation = 0; // what was cleared is not counted any longer
let nClasses = 0;
let looking = false; // whether it is shown where the model looked
const sources = new WeakMap(); // the files of cards, to ask about once more

function percent(share) {
  if (share > 0 && share < 0.0005) return "<0.1%";
  if (share >= 0.9995 && share < 1) return ">99.9%";
  return `${(100 * share).toFixed(1)}%`;
}

function counted(number, noun) {
  const plural = noun.endsWith("s") ? `${noun}es` : `${noun}s`;
  return `${number} ${number === 1 ? noun : plural}`;
}

function listed(names) {
  if (names.length > 8) return `${names.slice(0, 6).join(", ")} and ${names.length - 6} more`;
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function say(text) {
  find("status").textContent = text;
}

function show(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

function tally() {
  const title = counted(total, "picture");
  find("results-title").textContent = done < total ? `${done} of ${title}` : title;
  const found = [...tallies].sort((one, other) => other[1] - one[1]).slice(0, 12);
  find("tally").textContent = found.map(([what, n]) => `${what} ${n}`).join(" · ");
  find("progress").style.setProperty("--share", total ? done / total : 0);
}

function copied(id) {
  return find(id).content.firstElementChild.cloneNode(true);
}

function take(files) {
  if (!files.length) {
    say("There was no file in it: drop or choose pictures that are files.");
    return;
  }
  say("");
  document.body.classList.add("busy");
  find("results").hidden = false;
  const cards = document.createDocumentFragment();
  for (const file of files) {
    const card = copied("picture");
    card.querySelector("h3 bdi").textContent = file.name;
    card.querySelector("h3").title = file.name;
    cards.append(card);
    sources.set(card, file);
    waiting.push({ file, card, generation });
  }
  find("pictures").prepend(cards);
  total += files.length;
  tally();
  start();
}

function start() {
  while (working < AT_A_TIME && waiting.length) work();
}

function look() {
  looking = !looking;
  find("look").ariaPressed = looking;
  find("looked").hidden = !looking;
  document.body.classList.toggle("looking", looking);
  for (const card of looking ? find("pictures").children : []) askAgain(card);
  start();
}

// Ask where the model looked on a picture whose class is there already.
function askAgain(card) {
  const isThere = card.querySelector(".activation").hasAttribute("src");
  if (card.dataset.state !== "done" || isThere || "asked" in card.dataset) return;
  card.dataset.asked = "";
  waiting.push({ file: sources.get(card), card, generation, again: true });
}

async function work() {
  working += 1;
  while (waiting.length) {
    const job = waiting.shift();
    let answer;
    try {
      answer = await ask(job);
    } catch {
      answer = { error: "The server does not answer. Is it still running?" };
    }
    if (job.generation !== generation) continue;
    if (job.again) {
      delete job.card.dataset.asked;
      if ("error" in answer) say(answer.error);
      shade(job.card, answer);
      continue;
    }
    fill(job.card, answer);
    if (looking) askAgain(job.card);
    done += 1;
    const what = outcome(answer);
    tallies.set(what, 1 + (tallies.get(what) ?? 0));
    tally();
  }
  working -= 1;
  // Read out once, not with every picture.
  if (!working && total) {
    find("spoken").textContent = `Done. ${find("results-title").textContent}: ${find("tally").textContent}`;
  }
}

function outcome(answer) {
  if ("error" in answer) return "unreadable";
  return answer.is_novel ? "unlike the training" : answer.predictions[0].class;
}

async function ask({ file, generation: own }) {
  const { limits, classes } = await model;
  if (file.size > limits.max_bytes - 1000) {
    const most = Math.floor(limits.max_bytes / 2 ** 20);
    return { error: `The file is larger than the ${most} MiB that the server takes.` };
  }
  const form = new FormData();
  form.append("pictures", file);
  const top = classes.length > SHOWN + 1 ? SHOWN : classes.length;
  for (let attempt = 0; own === generation; attempt += 1) {
    const query = `top=${top}&thumbnail=true&activation=${looking}`;
    const response = await fetch(`predict?${query}`, { method: "POST", body: form });
    if (response.status === 503 && attempt < RETRIES) {
      await new Promise((after) => setTimeout(after, 1000 * (1 + Math.random())));
      continue;
    }
    const answer = await response.json();
    return response.ok ? answer.pictures[0] : answer;
  }
  return { error: "" };
}

function shade(card, { activation }) {
  if (activation) card.querySelector(".activation").src = activation;
}

function fill(card, answer) {
  if ("error" in answer) {
    card.dataset.state = "failed";
    show(card.querySelector(".error"), `Cannot be read: ${answer.error}`);
    return;
  }
  card.dataset.state = "done";
  const best = answer.predictions[0];
  const image = card.querySelector(".thumbnail");
  image.src = answer.thumbnail;
  shade(card, answer);
  image.alt = `The picture, ${best.class} to the model`;
  if (answer.is_novel) {
    card.dataset.novel = "";
    card.querySelector(".novel").hidden = false;
  }
  show(card.querySelector(".warning"), answer.warning ? `Note: ${answer.warning}.` : "");
  const list = card.querySelector(".predictions");
  list.ariaLabel = "Classes, the most probable first";
  for (const prediction of answer.predictions) {
    const row = copied("prediction");
    row.querySelector(".class").textContent = prediction.class;
    row.querySelector(".probability").textContent = percent(prediction.probability);
    row.querySelector(".bar").style.setProperty("--share", prediction.probability);
    list.append(row);
  }
  const n = nClasses - answer.predictions.length;
  const named = answer.predictions.reduce((sum, each) => sum + each.probability, 0);
  const rest = percent(Math.max(0, 1 - named));
  show(card.querySelector(".others"), n ? `${counted(n, "other class")}: ${rest}` : "");
}

function clear() {
  generation += 1;
  waiting.length = 0;
  done = total = 0;
  tallies.clear();
  find("pictures").replaceChildren();
  find("results").hidden = true;
  document.body.classList.remove("busy");
  find("spoken").textContent = "Cleared.";
  find("chosen").focus();
}

find("chosen").addEventListener("change", ({ target }) => {
  take([...target.files]);
  target.value = ""; // so that the same file can be chosen again
});
find("look").addEventListener("click", look);
find("clear").addEventListener("click", clear);
addEventListener("paste", ({ clipboardData }) => {
  if (clipboardData.files.length) take([...clipboardData.files]);
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  take([...event.dataTransfer.files]);
});

model.then(
  ({ name, classes, version }) => {
    nClasses = classes.length;
    find("name").textContent = name;
    find("classes").textContent =
      classes.length > 8 ? `${classes.length} classes apart: ${listed(classes)}` : `${listed(classes)} apart`;
    find("about").hidden = false;
    find("version").textContent = `skresnet ${version}`;
  },
  () => say("The server does not answer. Is it still running?"),
);
