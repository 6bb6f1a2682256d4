"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const columns = data.columns, total = columns.id.length, CHUNK = 200;
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
  return node;
}
function line(position) {
  const k = chosen[position], node = made("tr");
  const cells = [`#${columns.id[k]}`, givenName(k), suggestedName(k), figure(columns.confidence[k], 3),
    figure(columns.weight[k], 3), figure(columns.score[k], 3), columns.name[k]];
  node.append(...cells.map((text) => made("td", text)));
  return node;
}

let chosen = [], shown = 0;
const holder = data.pictures ? element("gallery") : element("list").tBodies[0];
element("list").hidden = data.pictures > 0;
function showMore() {
  const stop = Math.min(chosen.length, shown + CHUNK), part = document.createDocumentFragment();
  for (; shown < stop; shown++) part.append(data.pictures ? card(shown) : line(shown));
  holder.append(part);
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
  const words = element("search").value.trim().toLowerCase().replace(/^#/, "");
  chosen = [];
  for (let k = 0; k < total; k++) {
    if (given !== "" && columns.given[k] !== +given) continue;
    if (suggested !== "" && columns.suggested[k] !== +suggested) continue;
    if (words && String(columns.id[k]) !== words && !columns.name[k].toLowerCase().includes(words)) continue;
    chosen.push(k);
  }
  chosen.sort(SORTS[element("sort").value]);
  holder.replaceChildren();
  shown = 0;
  element("count").textContent = `${chosen.length} of ${data.suspects} suspects${data.suspects > total ? ` (the ${total} worst are on this page, audit.csv has all)` : ""}`;
  showMore();
}

function fill(select, numbers) {
  const counts = new Map();
  for (const number of numbers) counts.set(number, (counts.get(number) || 0) + 1);
  select.append(new Option("all", ""));
  for (const number of [...counts.keys()].sort((a, b) => a - b)) {
    select.append(new Option(`${data.classNames[number]} (${counts.get(number)})`, number));
  }
}

let current = 0;
function showDetail(position) {
  current = position;
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
const move = (by) => { if (chosen[current + by] !== undefined) showDetail(current + by); };
element("previous").addEventListener("click", () => move(-1));
element("next").addEventListener("click", () => move(1));
element("close").addEventListener("click", () => element("detail").close());
element("detail").addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") move(-1);
  if (event.key === "ArrowRight") move(1);
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
