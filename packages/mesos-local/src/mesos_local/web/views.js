// The views of the master's page: each makes nodes of the model and of what follows its name in the address.

import { amount, cell, encode, facts, link, mono, node, table, time } from "./common.js";
import { address, counts, standing } from "./model.js";
import { list, one } from "./tasks.js";

const RECENT = 20;
const heading = text => node("h2", {}, text);
const agentLink = id => link(`#/agent/${encode(id)}`, id);
const frameworkLink = id => link(`#/framework/${encode(id)}`, id);
const roles = framework => (framework.roles || [framework.role]).join(", ");
const number = value => +value.toFixed(2);

const bar = ({ name, unit, total, used, offered }) => node("div", {},
  node("strong", {}, name), ` ${number(used)}${unit} used, ${number(total - used)}${unit} free`,
  node("meter", { min: 0, max: total, value: used, "aria-label": `${name} used` }),
  node("span", { class: "muted" }, `${number(offered)} of the free are in offers, ${number(total)} in all`));
const count = (href, value, text) => node("a", { class: "count", href }, node("b", {}, value), ` ${text}`);

const cluster = m => [
  heading("Cluster"),
  node("div", { class: "counts" },
    count("#/agents", m.state.activated_slaves, "agents active"),
    count("#/agents", m.state.deactivated_slaves + m.state.unreachable_slaves, "agents away"),
    count("#/frameworks", m.state.frameworks.filter(f => f.active).length, "frameworks active"),
    count("#/offers", m.offers.length, "offers out"), count("#/tasks", m.tasks.length, "tasks known")),
  node("div", { class: "bars" }, ...m.resources.map(bar)),
  node("h3", {}, "Tasks by state"),
  table("Tasks by state", ["State", "Tasks"],
    counts(m.tasks).map(([state, found]) => [cell(state, `state ${state}`), cell(found)]), "No task has been launched."),
  node("h3", {}, "Latest tasks"), list(m.tasks.slice(0, RECENT), m.agents),
];

const frameworkRows = frameworks => frameworks.map(f => [
  mono(frameworkLink(f.id)), cell(f.name), cell(f.user), cell(roles(f)), cell(standing(f)),
  cell(`${f.tasks.length} now, ${f.completed_tasks.length} done`), cell(amount(f.used_resources)),
  cell(time(f.registered_time))]);
const frameworks = m => [heading("Frameworks"), table("Frameworks",
  ["Id", "Name", "User", "Roles", "State", "Tasks", "Used", "Registered"], frameworkRows(m.frameworks),
  "No framework has registered.")];

/** A page of the framework's own, if the address is one for a browser and no script. */
const webui = url => (/^https?:\/\//i.test(url) ? node("a", { href: url, rel: "noreferrer" }, url) : url || "none");
const framework = (m, id) => {
  const f = m.frameworks.find(each => each.id === id);
  if (!f) return [heading("Framework"), node("p", {}, `The master knows no framework ${id}.`)];
  return [heading(`Framework ${f.name}`), facts([
    ["Id", f.id], ["State", standing(f)], ["User", f.user], ["Roles", roles(f)], ["Principal", f.principal || "none"],
    ["Host", f.hostname], ["Web page", webui(f.webui_url)], ["Checkpoint", f.checkpoint ? "yes" : "no"],
    ["Failover timeout", `${f.failover_timeout} s`], ["Capabilities", f.capabilities.join(", ") || "none"],
    ["Used", amount(f.used_resources)], ["Offered", amount(f.offered_resources)],
    ["Registered", time(f.registered_time)], ["Completed", time(f.unregistered_time) || "no"]]),
  node("h3", {}, "Tasks"), ...tasksOf(m, t => t.framework_id === id)];
};

const agents = m => [heading("Agents"), table("Agents",
  ["Id", "Address", "State", "Resources", "Used", "Offered", "Registered"], m.state.slaves.map(a => [
    mono(agentLink(a.id)), cell(link(address(a), `${a.hostname}:${a.port}`)),
    cell(a.active ? "active" : "disconnected"), cell(amount(a.resources)), cell(amount(a.used_resources)),
    cell(amount(a.offered_resources)), cell(time(a.registered_time))]), "No agent has registered.")];
const agent = (m, id) => {
  const a = m.agents.get(id);
  if (!a) return [heading("Agent"), node("p", {}, `No agent ${id} is registered.`)];
  return [heading(`Agent ${a.hostname}:${a.port}`), facts([
    ["Id", a.id], ["Sandboxes", link(address(a), "page of the agent")], ["Version", a.version],
    ["State", a.active ? "active" : "disconnected"],
    ["Attributes", Object.entries(a.attributes).map(([k, v]) => `${k}: ${v}`).join(", ") || "none"],
    ["Resources", amount(a.resources)], ["Used", amount(a.used_resources)], ["Offered", amount(a.offered_resources)],
    ...Object.entries(a.reserved_resources).map(([role, each]) => [`Reserved for ${role}`, amount(each)]),
    ["Registered", time(a.registered_time)]]),
  node("h3", {}, "Tasks"), ...tasksOf(m, t => t.slave_id === id)];
};

const MOST = 100;
const tasksOf = (m, mine) => {
  const found = m.tasks.filter(mine);
  return [list(found.slice(0, MOST), m.agents), ...(found.length > MOST ? [node("p", { class: "muted" },
    `The latest ${MOST} of ${found.length}; `, link("#/tasks", "find others"))] : [])];
};

const offers = m => [heading("Offers"), table("Offers", ["Id", "Framework", "Agent", "Role", "Resources"],
  m.offers.map(o => [mono(o.id), mono(frameworkLink(o.framework_id)), mono(agentLink(o.slave_id)),
    cell(o.allocation_info.role), cell(amount(o.resources))]), "No offer is out.")];
const rolesView = m => [heading("Roles"), table("Roles", ["Role", "Weight", "Frameworks", "Allocated"],
  m.roles.map(r => [cell(r.name), cell(r.weight),
    mono(node("span", { class: "links" }, ...r.frameworks.flatMap(id => [frameworkLink(id), " "]))),
    cell(amount(r.resources))]), "Asking the master.")];

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
