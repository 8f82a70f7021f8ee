// What both pages are made of: nodes, cells, tables, and a way to change a page in place.

/** Make an element; text stays text, whatever is in it. */
export const node = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.map(child => (child instanceof Node ? child : String(child))));
  return element;
};
export const cell = (value, kind) => node("td", kind ? { class: kind } : {}, value);
export const mono = value => cell(value, "mono");
export const link = (href, text) => node("a", { href }, text);

/** A table with its heads; one line that says `empty` when there are no rows. */
export const table = (name, heads, rows, empty) => node("div", { class: "wide" }, node("table", { "aria-label": name },
  node("thead", {}, node("tr", {}, ...heads.map(text => node("th", { scope: "col" }, text)))),
  node("tbody", {}, ...(rows.length ? rows.map(cells => node("tr", {}, ...cells))
    : [node("tr", {}, node("td", { colspan: heads.length, class: "muted" }, empty))]))));

/** Names and values, one pair a line. */
export const facts = pairs => node("dl", {},
  ...pairs.flatMap(([name, value]) => [node("dt", {}, name), node("dd", {}, value)]));

/** Make `place` show `children`, keeping the nodes that are alike: focus, selection and scrolling stay. */
export const show = (place, children) => {
  const old = [...place.childNodes];
  children.forEach((child, index) => {
    const before = old[index];
    if (!before) place.append(child);
    else if (!alike(before, child)) before.replaceWith(child);
    else if (child.nodeType === Node.TEXT_NODE) {
      if (before.data !== child.data) before.data = child.data;
    } else {
      takeAttributes(before, child);
      show(before, [...child.childNodes]);
    }
  });
  for (const extra of old.slice(children.length)) extra.remove();
};
const alike = (one, other) => one.nodeName === other.nodeName
  && (one.nodeType !== Node.ELEMENT_NODE || one.id === other.id);
const takeAttributes = (element, other) => {
  for (const { name } of [...element.attributes]) if (!other.hasAttribute(name)) element.removeAttribute(name);
  for (const { name, value } of other.attributes) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
};

const round = number => +number.toFixed(2);
/** Megabytes as Mesos counts them, with a unit that is easy to read. */
export const megabytes = number => (number < 1024 ? `${round(number)} MB` : number < 1048576
  ? `${round(number / 1024)} GB` : `${round(number / 1048576)} TB`);
const WRITTEN = [["cpus", n => `${round(n)} cpus`], ["gpus", n => `${round(n)} gpus`], ["mem", megabytes],
  ["disk", n => `${megabytes(n)} disk`], ["ports", text => `ports ${text}`]];
/** Resources as text, without those of which there is nothing. */
export const amount = r => WRITTEN.filter(([name]) => r[name] && r[name] !== "0")
  .map(([name, write]) => write(r[name])).join(", ") || "none";
export const time = seconds => (seconds ? new Date(seconds * 1000).toLocaleString() : "");
export const size = bytes => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${round(bytes / 1024)} KiB`
  : `${round(bytes / 1048576)} MiB`);
export const { encodeURIComponent: encode } = globalThis;

/** The parts of the address after `#`. */
export const chosen = () => {
  try {
    return location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  } catch {
    return [""]; // Somebody has typed a percent sign.
  }
};
