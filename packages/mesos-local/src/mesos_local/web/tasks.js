// The list of tasks, a page of it at a time, so that thousands stay light; and one task with its history.

import { amount, cell, encode, facts, link, mono, node, table, time } from "./common.js";
import { address, counts } from "./model.js";

const PAGE = 100;
let page = 0;
const part = id => document.getElementById(id);

/** Let the form above the list choose what it shows. */
export const setUpTasks = draw => {
  const anew = () => { page = 0; draw(); };
  part("choice").addEventListener("submit", event => event.preventDefault());
  part("find").addEventListener("input", anew);
  part("state").addEventListener("change", anew);
  part("back").addEventListener("click", () => { page -= 1; draw(); });
  part("on").addEventListener("click", () => { page += 1; draw(); });
};

/** Show the part of the list that the form chooses. */
export const choose = ({ tasks, agents }) => {
  offerStates(counts(tasks).map(([state]) => state));
  const text = part("find").value.trim().toLowerCase(), state = part("state").value;
  const found = tasks.filter(t => (!state || t.state === state)
    && (!text || [t.id, t.name, t.framework_id, t.slave_id].some(each => each.toLowerCase().includes(text))));
  page = Math.max(0, Math.min(page, Math.ceil(found.length / PAGE) - 1));
  const first = page * PAGE, last = Math.min(found.length, first + PAGE);
  part("place").textContent = found.length ? `${first + 1} to ${last} of ${found.length}` : "none";
  part("back").disabled = page === 0;
  part("on").disabled = last >= found.length;
  return [node("h2", {}, "Tasks"), list(found.slice(first, last), agents)];
};
const offerStates = states => {
  const select = part("state"), known = new Set([...select.options].map(option => option.value));
  for (const state of states) if (!known.has(state)) select.append(node("option", { value: state }, state));
};

const taskHref = task => `#/task/${encode(task.framework_id)}/${encode(task.id)}/${encode(task.slave_id)}`;

/** Links into the sandbox of a task, on the page of its agent. */
const sandbox = (task, agents) => {
  const agent = agents.get(task.slave_id);
  if (!agent) return "";
  const to = file => `${address(agent)}#/${[task.framework_id, task.executor_id || task.id, task.id, file]
    .map(encode).join("/")}`;
  return node("span", { class: "links" },
    link(to("stdout"), "stdout"), " ", link(to("stderr"), "stderr"), " ", link(to(""), "sandbox"));
};

export const list = (tasks, agents) => table("Tasks",
  ["Id", "Name", "State", "Framework", "Agent", "Resources", "Since", "Sandbox"], tasks.map(t => [
    mono(link(taskHref(t), t.id)), cell(t.name), cell(t.state, `state ${t.state}`),
    mono(link(`#/framework/${encode(t.framework_id)}`, t.framework_id)),
    mono(link(`#/agent/${encode(t.slave_id)}`, t.slave_id)), cell(amount(t.resources)), cell(time(t.since)),
    cell(sandbox(t, agents))]), "No task is here.");

/** One task. */
export const one = ({ tasks, agents }, framework, id, agent) => {
  const task = tasks.find(t => t.framework_id === framework && t.id === id && (!agent || t.slave_id === agent));
  if (!task) return [node("h2", {}, "Task"), node("p", {}, `The master knows no task ${id}.`)];
  return [node("h2", {}, `Task ${task.id}`), facts([
    ["Name", task.name], ["State", task.state], ["Role", task.role], ["Resources", amount(task.resources)],
    ["Framework", link(`#/framework/${encode(task.framework_id)}`, task.framework_id)],
    ["Agent", link(`#/agent/${encode(task.slave_id)}`, task.slave_id)],
    ["Executor", task.executor_id || "command executor"], ["Sandbox", sandbox(task, agents)]]),
  node("h3", {}, "History"),
  table("History", ["State", "When", "Healthy", "Message"], task.statuses.map(s => [
    cell(s.state, `state ${s.state}`), cell(time(s.timestamp)),
    cell(s.healthy === undefined ? "" : s.healthy ? "yes" : "no"), cell(s.message || "")]), "Nothing was reported yet.")];
};
