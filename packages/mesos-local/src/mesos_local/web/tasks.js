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
export const choose = shown => {
  offerStates(counts(shown.tasks).map(([state]) => state));
  const text = part("find").value.trim().toLowerCase(), state = part("state").value;
  const found = shown.tasks.filter(t => (!state || t.state === state)
    && (!text || [t.id, t.name, t.framework, t.agent].some(each => each.toLowerCase().includes(text))));
  page = Math.max(0, Math.min(page, Math.ceil(found.length / PAGE) - 1));
  const first = page * PAGE, last = Math.min(found.length, first + PAGE);
  part("place").textContent = found.length ? `${first + 1} to ${last} of ${found.length}` : "none";
  part("back").disabled = page === 0;
  part("on").disabled = last >= found.length;
  return [node("h2", {}, "Tasks"), list(found.slice(first, last), shown)];
};
const offerStates = states => {
  const select = part("state"), known = new Set([...select.options].map(option => option.value));
  for (const state of states) if (!known.has(state)) select.append(node("option", { value: state }, state));
};

const taskHref = task => `#/task/${encode(task.framework)}/${encode(task.id)}/${encode(task.agent)}`;
const frameworkHref = id => `#/framework/${encode(id)}`;
const agentHref = id => `#/agent/${encode(id)}`;

/** Links with names, which are shorter than ids. */
export const frameworkLink = ({ framework: frameworks }, id) => node("a", { href: frameworkHref(id), title: id },
  (frameworks.get(id) || {}).name || id);
export const agentLink = ({ agent: agents }, id) => node("a", { href: agentHref(id), title: id },
  (agents.get(id) || {}).name || id);

/** Links into the sandbox of a task, on the page of its agent. */
const sandbox = (task, { agent: agents }) => {
  const agent = agents.get(task.agent);
  if (!agent) return "";
  const to = file => `${address(agent)}#/${[task.framework, task.executor || task.id, task.id, file]
    .map(encode).join("/")}`;
  return node("span", { class: "links" },
    link(to("stdout"), "stdout"), " ", link(to("stderr"), "stderr"), " ", link(to(""), "sandbox"));
};

const stateParts = (state, healthy) => [node("span", { class: `state ${state}` }, state),
  ...(healthy === undefined ? [] : [" ", node("span", { class: healthy ? "healthy" : "ill" },
    healthy ? "healthy" : "unhealthy")])];
const stateCell = (state, healthy) => node("td", {}, ...stateParts(state, healthy));
const health = task => (task.statuses.length ? task.statuses[task.statuses.length - 1].healthy : undefined);

export const list = (tasks, shown) => table("Tasks",
  ["Id", "Name", "State", "Framework", "Agent", "Resources", "Last news", "Sandbox"], tasks.map(t => [
    mono(link(taskHref(t), t.id)), cell(t.name), stateCell(t.state, health(t)),
    cell(frameworkLink(shown, t.framework)), cell(agentLink(shown, t.agent)),
    cell(amount(t.resources)), cell(time(t.since), "time"), cell(sandbox(t, shown))]), "No task is here.");

/** What the last check of a task found, if there are any. */
const checked = task => {
  const { check_status: check } = task.statuses[task.statuses.length - 1] || {};
  if (!check) return [];
  const { command, http, tcp } = check;
  const found = command ? `exit code ${command.exit_code}` : http ? `status ${http.status_code}`
    : tcp ? (tcp.succeeded ? "connected" : "no connection") : "nothing yet";
  return [["Last check", found]];
};

/** One task. */
export const one = (shown, framework, id, agent) => {
  const task = shown.tasks.find(t => t.framework === framework && t.id === id && (!agent || t.agent === agent));
  if (!task) return [node("h2", {}, "Task"), node("p", {}, `The master knows no task ${id}.`)];
  return [node("h2", {}, `Task ${task.id}`), facts([
    ["Name", task.name], ["State", node("span", {}, ...stateParts(task.state, health(task)))],
    ["Role", task.role], ["Resources", amount(task.resources)],
    ["Framework", link(frameworkHref(task.framework), task.framework)],
    ["Agent", link(agentHref(task.agent), task.agent)],
    ["Executor", task.executor || "command executor"], ...checked(task), ["Sandbox", sandbox(task, shown)]]),
  node("h3", {}, "History"),
  table("History", ["State", "When", "Message", "Reason"], task.statuses.map(s => [
    stateCell(s.state, s.healthy), cell(time(s.timestamp), "time"), cell(s.message || ""),
    cell((s.reason || "").replace(/^REASON_/, "").toLowerCase().replaceAll("_", " "))]), "Nothing was reported yet.")];
};
