// What a person decides of the suspects: a log in the browser's storage, one entry a decision, of which the last is
// what undo takes back. Nothing here looks at all examples for one decision.
const NAMES = { keep: "kept", label: "relabelled", remove: "removed", unsure: "not sure" };
const decisions = (() => {
  const prefix = `ieg_fsr.decisions.${data.key}.`;
  const log = [], present = new Map(), counts = { keep: 0, label: 0, remove: 0, unsure: 0 };
  let kept = true; // by the browser, beyond this page
  // An entry is "position decision label before", where before is the decision that it replaces, or nothing.
  const coded = (decision) => (decision ? `${decision.what}:${decision.label}` : "");
  const decoded = (text) => {
    const [what, label] = text.split(":");
    return what in counts ? { what, label: Number(label) } : undefined;
  };
  function put(k, decision) {
    const before = present.get(k);
    if (before) counts[before.what]--;
    if (decision) counts[decision.what]++;
    if (decision) present.set(k, decision); else present.delete(k);
  }
  function store(number, text) {
    try {
      if (text === undefined) localStorage.removeItem(prefix + number); else localStorage.setItem(prefix + number, text);
    } catch { kept = false; }
  }
  function load() {
    try {
      for (let text; (text = localStorage.getItem(prefix + log.length)) !== null;) {
        const [k, after, before] = text.split(" ");
        log.push({ k: Number(k), before: decoded(before) });
        put(Number(k), decoded(after));
      }
    } catch { kept = false; }
  }
  load();
  return {
    of: (k) => present.get(k),
    get size() { return present.size; },
    get undoable() { return log.length > 0; },
    get kept() { return kept; },
    counts,
    // label: what the label is from now on; of `remove` and `unsure` the given one.
    decide(k, what, label) {
      const before = present.get(k), after = { what, label };
      store(log.length, `${k} ${coded(after)} ${coded(before)}`);
      log.push({ k, before });
      put(k, after);
    },
    // The position of the example whose last decision is taken back; undefined where there is none.
    undo() {
      const last = log.pop();
      if (!last) return undefined;
      store(log.length);
      put(last.k, last.before);
      return last.k;
    },
    csv() {
      const quoted = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : String(value));
      const rows = [...present.keys()].sort((a, b) => columns.source[a] - columns.source[b]).map((k) => {
        const { what, label } = present.get(k), names = what === "keep" || what === "label";
        return [columns.id[k], columns.source[k], what, names ? label : "", names ? data.classNames[label] : "",
          columns.given[k], columns.name[k], data.dataSha256, present.size];
      });
      const head = ["example_id", "source_id", "decision", "label", "class", "given_label", "file", "data_sha256", "rows"];
      return [head, ...rows].map((row) => row.map((value) => quoted(String(value))).join(",") + "\r\n").join("");
    },
  };
})();
