// The views of the master's page: each makes nodes of what is shown and of what follows its name in the address.

import { amount, cell, encode, facts, link, megabytes, mono, node, table, time } from "./common.js";
import { address, counts, standing } from "./model.js";
import { agentLink, frameworkLink, list, one } from "./tasks.js";

const RECENT = 20;
const heading = text => node("h2", {}, text);
const number = value => (+value.toFixed(2)).toLocaleString();
const badge = (text, kind) => node("span", { class: `badge ${kind}` }, text);

const bar = ({ name, total, used, offered }) => {
  const write = name === "mem" || name === "disk" ? megabytes : number;
  return node("div", { class: "bar" }, node("strong", {}, name), ` ${write(used)} used, ${write(total - used)} free`,
    node("meter", { min: 0, max: total, value: used, "aria-label": `${name} used` }),
    node("span", { class: "muted" }, `${write(offered)} of the free in offers, ${write(total)} in all`));
};
const count = (href, value, text) => node("a", { class: "count", href }, node("b", {}, value), ` ${text}`);

const cluster = m => [
  heading("Cluster"),
  node("div", { class: "counts" },
    count("#/agents", m.agents.filter(each => each.active).length, "agents active"),
    count("#/agents", m.away, "agents away"),
    count("#/frameworks", m.frameworks.filter(each => each.active).length, "frameworks active"),
    count("#/offers", m.offers.length, "offers out"), count("#/tasks", m.tasks.length, "tasks known")),
  node("div", { class: "bars" }, ...m.resources.map(bar)),
  node("h3", {}, "Tasks by state"),
  m.tasks.length ? node("div", { class: "counts" }, ...counts(m.tasks).map(([state, found]) =>
    node("span", { class: "count" }, node("b", {}, number(found)), " ", node("span", { class: `state ${state}` }, state))))
    : node("p", { class: "muted" }, "No task has been launched."),
  node("h3", {}, "Latest tasks"), list(m.tasks.slice(0, RECENT), m),
];

const standingBadge = framework => {
  const now = standing(framework);
  return badge(now, now === "active" ? "good" : now === "disconnected" ? "bad" : "");
};
const frameworks = m => [heading("Frameworks"), table("Frameworks",
  ["Id", "Name", "User", "Roles", "State", "Tasks", "Used", "Registered"], m.frameworks.map(f => [
    mono(link(`#/framework/${encode(f.id)}`, f.id)), cell(f.name), cell(f.info.user), cell(f.roles.join(", ")), cell(standingBadge(f)),
    cell(`${f.now} now, ${f.done} done`), cell(amount(f.used)), cell(time(f.registered), "time")]),
  "No framework has registered.")];

/** A page of the framework's own, if the address is one for a browser and no script. */
const webui = (url = "") => (/^https?:\/\//i.test(url) ? node("a", { href: url, rel: "noreferrer" }, url)
  : url || "none");
const framework = (m, id) => {
  const f = m.framework.get(id);
  if (!f) return [heading("Framework"), node("p", {}, `The master knows no framework ${id}.`)];
  const capabilities = (f.info.capabilities || []).map(each => each.type).join(", ");
  return [heading(`Framework ${f.name}`), facts([
    ["Id", f.id], ["State", standingBadge(f)], ["User", f.info.user], ["Roles", f.roles.join(", ")],
    ["Principal", f.info.principal || "none"], ["Host", f.info.hostname || "unknown"],
    ["Web page", webui(f.info.webui_url)], ["Checkpoint", f.info.checkpoint ? "yes" : "no"],
    ["Failover timeout", `${f.info.failover_timeout || 0} s`], ["Capabilities", capabilities || "none"],
    ["Used", amount(f.used)], ["Offered", amount(f.offered)],
    ["Registered", time(f.registered)], ["Completed", time(f.unregistered) || "no"]]),
  node("h3", {}, "Tasks"), ...tasksOf(m, t => t.framework === id)];
};

const activity = agent => (agent.active ? badge("active", "good") : badge("disconnected", "bad"));
const agents = m => [heading("Agents"), table("Agents",
  ["Id", "Address", "State", "Resources", "Used", "Offered", "Registered"], m.agents.map(a => [
    mono(link(`#/agent/${encode(a.id)}`, a.id)), cell(link(address(a), a.name)), cell(activity(a)), cell(amount(a.total)),
    cell(amount(a.used)), cell(amount(a.offered)), cell(time(a.registered), "time")]), "No agent has registered.")];
const attribute = ({ name, scalar, ranges, set, text }) => `${name}: ${scalar ? scalar.value : text ? text.value
  : ranges ? ranges.range.map(({ begin, end }) => `${begin}-${end}`).join(", ") : set.item.join(", ")}`;
const agent = (m, id) => {
  const a = m.agent.get(id);
  if (!a) return [heading("Agent"), node("p", {}, `No agent ${id} is registered.`)];
  return [heading(`Agent ${a.name}`), facts([
    ["Id", a.id], ["Sandboxes", link(address(a), "page of the agent")], ["Version", a.version],
    ["State", activity(a)], ["Attributes", a.attributes.map(attribute).join("; ") || "none"],
    ["Resources", amount(a.total)], ["Used", amount(a.used)], ["Offered", amount(a.offered)],
    ...a.reserved.map(([role, each]) => [`Reserved for ${role}`, amount(each)]),
    ["Registered", time(a.registered)]]),
  node("h3", {}, "Tasks"), ...tasksOf(m, t => t.agent === id)];
};

const MOST = 100;
const tasksOf = (m, mine) => {
  const found = m.tasks.filter(mine);
  return [list(found.slice(0, MOST), m), ...(found.length > MOST ? [node("p", { class: "muted" },
    `The latest ${MOST} of ${found.length}; `, link("#/tasks", "find others"))] : [])];
};

const offers = m => [heading("Offers"), table("Offers", ["Id", "Framework", "Agent", "Role", "Resources"],
  m.offers.map(o => [mono(o.id), cell(frameworkLink(m, o.framework)), cell(agentLink(m, o.agent)),
    cell(o.role), cell(amount(o.resources))]), "No offer is out.")];
const rolesView = m => [heading("Roles"), table("Roles", ["Role", "Weight", "Frameworks", "Used and offered"],
  m.roles.map(({ name, weight, frameworks: ids = [], resources = [] }) => [cell(name), cell(weight),
    cell(node("span", { class: "links" }, ...ids.flatMap(({ value }) => [frameworkLink(m, value), " "]))),
    cell(amount(Object.fromEntries(resources.map(each => [each.name, each.scalar.value]))))]), "No role is known.")];

export const views = {
  "": { tab: "", title: "Cluster", draw: cluster },
  frameworks: { tab: "frameworks", title: "Frameworks", draw: frameworks },
  framework: { tab: "frameworks", title: "Framework", draw: framework },
  agents: { tab: "agents", title: "Agents", draw: agents },
  agent: { tab: "agents", title: "Agent", draw: agent },
  tasks: { tab: "tasks", title: "Tasks" },
  task: { tab: "tasks", title: "Task", draw: one },
  offers: { tab: "offers", title: "Offers", draw: offers },
  roles: { tab: "roles", title: "Roles", draw: rolesView },
};
