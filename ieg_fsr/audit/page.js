const total = columns.id.length, CHUNK = 168; // full rows of 1, 2, 3, 4, 6, 7 and 8 columns
const element = (id) => document.getElementById(id);
const made = (tag, text, name) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (name) node.className = name;
  return node;
};
const figure = (value, digits) => (value === null ? "–" : value.toFixed(digits));

// A sheet of thumbnails becomes a picture when one of its thumbnails is first shown.
const urls = [];
function sheetUrl(number) {
  if (!urls[number]) {
    const bytes = Uint8Array.from(atob(data.sheets[number]), (c) => c.charCodeAt(0));
    urls[number] = URL.createObjectURL(new Blob([bytes], { type: data.mimeType }));
  }
  return urls[number];
}
function picture(k, longest) {
  const perSheet = data.sheetColumns ** 2, sheet = Math.floor(k / perSheet), place = k % perSheet;
  const inSheet = Math.min(perSheet, data.pictures - sheet * perSheet);
  const scale = longest / Math.max(data.width, data.height);
  const width = Math.round(data.width * scale), height = Math.round(data.height * scale);
  const rows = Math.ceil(inSheet / data.sheetColumns);
  const node = made("div", undefined, scale > 1.5 && data.width < 40 ? "picture sharp" : "picture");
  node.style.width = `${width}px`;
  node.style.height = `${height}px`;
  node.style.backgroundImage = `url("${sheetUrl(sheet)}")`;
  node.style.backgroundSize = `${width * data.sheetColumns}px ${height * rows}px`;
  const column = place % data.sheetColumns, row = Math.floor(place / data.sheetColumns);
  node.style.backgroundPosition = `${-column * width}px ${-row * height}px`;
  return node;
}

const givenName = (k) => data.classNames[columns.given[k]];
const suggestedName = (k) => data.classNames[columns.suggested[k]];
function card(position) {
  const k = chosen[position], node = made("button", undefined, "card");
  node.type = "button";
  if (k < data.pictures) node.append(picture(k, 112));
  node.append(made("span", givenName(k), "given"), made("span", suggestedName(k), "suggested"));
  node.append(made("span", `#${columns.id[k]} · ${figure(columns.confidence[k], 2)}`, "quiet"));
  node.setAttribute("aria-label", `Example ${columns.id[k]}: given ${givenName(k)}, suggested ${suggestedName(k)}, confidence ${figure(columns.confidence[k], 2)}`);
  node.addEventListener("click", () => showDetail(position));
  node.addEventListener("focus", () => { current = position; tellCurrent(); });
  mark(node, k);
  return node;
}
// What was decided stands on the card, or the row, of an example.
function mark(node, k) {
  const decision = decisions.of(k);
  node.dataset.state = decision ? decision.what : "";
  node.dataset.told = told(decision);
}
const told = (decision) => (!decision ? "" : decision.what === "label" ? data.classNames[decision.label] : NAMES[decision.what]);
function line(position) {
  const k = chosen[position], node = made("tr");
  const cells = [`#${columns.id[k]}`, givenName(k), suggestedName(k), figure(columns.confidence[k], 3),
    figure(columns.weight[k], 3), figure(columns.score[k], 3), columns.name[k]];
  node.append(...cells.map((text) => made("td", text)));
  node.tabIndex = 0;
  node.addEventListener("click", () => showDetail(position));
  node.addEventListener("focus", () => { current = position; tellCurrent(); });
  mark(node, k);
  return node;
}

let chosen = [], shown = 0, current = 0, nodes = [];
const holder = data.pictures ? element("gallery") : element("list").tBodies[0];
element("list").hidden = data.pictures > 0;
function showMore() {
  // A block of cards is laid out by itself: what changes in one costs nothing in the others.
  const stop = Math.min(chosen.length, shown + CHUNK);
  const part = data.pictures ? made("div", undefined, "cards") : document.createDocumentFragment();
  for (; shown < stop; shown++) part.append(nodes[shown] = data.pictures ? card(shown) : line(shown));
  if (nodes.length) holder.append(part);
  element("more").hidden = shown >= chosen.length;
}
const SORTS = {
  order: (a, b) => a - b,
  confidence: (a, b) => columns.confidence[b] - columns.confidence[a] || a - b,
  weight: (a, b) => columns.weight[a] - columns.weight[b] || a - b,
  id: (a, b) => columns.id[a] - columns.id[b],
};
function choose() {
  const given = element("given").value, suggested = element("suggested").value;
  const decided = element("decided").value;
  const words = element("search").value.trim().toLowerCase().replace(/^#/, "");
  chosen = [];
  for (let k = 0; k < total; k++) {
    if (given !== "" && columns.given[k] !== +given) continue;
    if (suggested !== "" && columns.suggested[k] !== +suggested) continue;
    if (decided !== "" && decided !== (decisions.of(k)?.what ?? "open")) continue;
    if (words && String(columns.id[k]) !== words && !columns.name[k].toLowerCase().includes(words)) continue;
    chosen.push(k);
  }
  chosen.sort(SORTS[element("sort").value]);
  holder.replaceChildren();
  shown = current = 0;
  nodes = [];
  element("count").textContent = `${chosen.length} of ${data.suspects} suspects${data.suspects > total ? ` (the ${total} worst are on this page, audit.csv has all)` : ""}`;
  showMore();
  tellDecisions();
}

function fill(select, numbers) {
  const counts = new Map();
  for (const number of numbers) counts.set(number, (counts.get(number) || 0) + 1);
  select.append(new Option("all", ""));
  for (const number of [...counts.keys()].sort((a, b) => a - b)) {
    select.append(new Option(`${data.classNames[number]} (${counts.get(number)})`, number));
  }
}

function showDetail(position) {
  current = position;
  tellCurrent();
  const k = chosen[position];
  element("detail-title").textContent = `Example ${columns.id[k]}`;
  element("detail-image").replaceChildren(...(k < data.pictures ? [picture(k, 320)] : []));
  const facts = [["Given label", givenName(k)], ["Suggested label", suggestedName(k)],
    ["Confidence", figure(columns.confidence[k], 3)], ["Mean weight", figure(columns.weight[k], 3)],
    ["Score", figure(columns.score[k], 3)], ["File", columns.name[k]]];
  const shownFacts = facts.filter(([, value]) => value !== "" && value !== "–");
  element("detail-facts").replaceChildren(...shownFacts.flatMap(([name, value]) => [made("dt", name), made("dd", value)]));
  element("previous").disabled = position === 0;
  element("next").disabled = position + 1 >= chosen.length;
  if (!element("detail").open) element("detail").showModal();
}
function goTo(position) {
  if (chosen[position] === undefined) return;
  while (position >= shown) showMore();
  if (element("detail").open) showDetail(position); else nodes[position].focus();
}
element("previous").addEventListener("click", () => goTo(current - 1));
element("next").addEventListener("click", () => goTo(current + 1));
element("close").addEventListener("click", () => element("detail").close());
element("detail").addEventListener("close", () => nodes[current]?.focus());

// The decisions: the same buttons below the gallery and in the detail view, and keys for both.
const bars = [document.querySelector(".decide")];
element("detail-decide").append(bars[0].cloneNode(true));
bars.push(element("detail-decide").firstElementChild);
function tellCurrent() {
  const k = chosen[current];
  for (const bar of bars) {
    bar.querySelector(".which").textContent = k === undefined ? "" : `#${columns.id[k]} ${givenName(k)} → ${suggestedName(k)}${decisions.of(k) ? ` · ${told(decisions.of(k))}` : ""}`;
  }
}
function tellDecisions() {
  const parts = Object.entries(decisions.counts).filter(([, count]) => count).map(([what, count]) => `${count} ${NAMES[what]}`);
  const lost = decisions.kept ? "" : " (this browser does not keep them: save before you leave)";
  for (const bar of bars) {
    bar.querySelector(".decided").textContent = `${decisions.size} of ${total} decided${parts.length ? `: ${parts.join(", ")}` : ""}${lost}`;
    bar.querySelector("[data-undo]").disabled = !decisions.undoable;
  }
  element("save").disabled = !decisions.size;
  tellCurrent();
}
function decide(what, label) {
  const k = chosen[current];
  if (k === undefined) return;
  const given = columns.given[k];
  if (what === "accept") [what, label] = ["label", columns.suggested[k]];
  if (what === "label" && label === given) what = "keep";
  decisions.decide(k, what, what === "label" ? label : given);
  if (current < shown) mark(nodes[current], k);
  tellDecisions();
  goTo(current + 1);
}
function undo() {
  const k = decisions.undo();
  if (k === undefined) return;
  let position = chosen.indexOf(k);
  if (position < 0) { // A filter hides it.
    element("filters").reset();
    choose();
    position = chosen.indexOf(k);
  }
  while (position >= shown) showMore();
  mark(nodes[position], k);
  goTo(position);
  tellDecisions();
}
for (const bar of bars) {
  const other = bar.querySelector(".other");
  other.append(new Option("other class …", ""), ...data.classNames.map((name, number) => new Option(`${number} ${name}`, number)));
  other.addEventListener("change", () => {
    const value = other.value;
    other.value = "";
    other.blur();
    if (value !== "") decide("label", Number(value));
  });
  for (const button of bar.querySelectorAll("[data-decision]")) button.addEventListener("click", () => decide(button.dataset.decision));
  bar.querySelector("[data-undo]").addEventListener("click", undo);
}
const across = () => (data.pictures ? getComputedStyle(holder.firstElementChild).gridTemplateColumns.split(" ").length : 1);
const KEYS = {
  a: () => decide("accept"), k: () => decide("keep"), x: () => decide("remove"), u: () => decide("unsure"), z: undo,
  ArrowLeft: () => goTo(current - 1), ArrowRight: () => goTo(current + 1),
  ArrowUp: () => goTo(current - (element("detail").open ? 1 : across())),
  ArrowDown: () => goTo(current + (element("detail").open ? 1 : across())),
};
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select") || event.altKey || event.ctrlKey || event.metaKey) return;
  const digit = /^[0-9]$/.test(event.key) && Number(event.key) < data.classNames.length;
  const act = digit ? () => decide("label", Number(event.key)) : KEYS[event.key];
  const inGallery = element("detail").open || holder.contains(event.target);
  if (!act || (event.key.startsWith("Arrow") && !inGallery)) return;
  event.preventDefault();
  act();
});
element("save").addEventListener("click", () => {
  const link = made("a");
  link.href = URL.createObjectURL(new Blob([decisions.csv()], { type: "text/csv" }));
  link.download = "decisions.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});

fill(element("given"), columns.given);
fill(element("suggested"), columns.suggested);
element("filters").addEventListener("input", choose);
element("filters").addEventListener("submit", (event) => event.preventDefault());
element("filters").addEventListener("reset", () => setTimeout(choose));
for (const button of document.querySelectorAll("[data-given]")) {
  button.addEventListener("click", () => {
    element("filters").reset();
    element("given").value = button.dataset.given;
    element("suggested").value = button.dataset.suggested;
    choose();
    element("suspects").scrollIntoView();
  });
}
element("more").firstElementChild.addEventListener("click", showMore);
new IntersectionObserver((entries) => { if (entries[0].isIntersecting && !element("more").hidden) showMore(); },
  { rootMargin: "300px" }).observe(element("more"));
if (columns.weight[0] === null || !total) element("sort").querySelector("[value=weight]").remove();
choose();
