"use strict";
const cell = (value, kind) => {
  const td = document.createElement("td");
  if (kind) td.className = kind;
  td.append(value instanceof Node ? value : String(value));
  return td;
};
const link = (href, text) => {
  const a = document.createElement("a");
  a.href = href; a.textContent = text;
  return a;
};
const fill = (id, heads, rows, empty) => {
  const head = document.createElement("tr");
  for (const text of heads) {
    const th = document.createElement("th");
    th.scope = "col"; th.textContent = text;
    head.append(th);
  }
  const body = rows.map(cells => { const tr = document.createElement("tr"); tr.append(...cells); return tr; });
  if (!rows.length) {
    const tr = document.createElement("tr"), td = cell(empty, "muted");
    td.colSpan = heads.length;
    tr.append(td);
    body.push(tr);
  }
  document.getElementById(id).replaceChildren(head, ...body);
};
const amount = r => `${r.cpus} cpus, ${r.mem} MB, ${r.disk} MB disk`;
const time = t => t ? new Date(t * 1000).toLocaleTimeString() : "";
const since = task => task.statuses.length ? task.statuses[task.statuses.length - 1].timestamp : 0;
const ask = async url => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return answer.json();
};
const every = (milliseconds, work) => {
  const problem = document.getElementById("problem");
  const turn = async () => {
    try {
      await work();
      problem.textContent = "";
    } catch (error) {
      problem.textContent = "No answer: " + error.message;
    }
    setTimeout(turn, milliseconds);
  };
  turn();
};
