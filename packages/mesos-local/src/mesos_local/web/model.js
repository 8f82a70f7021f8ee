// What is known of the cluster: it begins with a state of the operator API, and goes on with its events.

const MOST_ENDED = 1000; // Of each framework, as the master; what ended longest ago is forgotten.
const PRUNE_AFTER = 500;
const ENDED = new Set(["FINISHED", "FAILED", "KILLED", "LOST", "ERROR", "DROPPED", "GONE", "GONE_BY_OPERATOR"]
  .map(name => `TASK_${name}`));
const SCALARS = ["cpus", "gpus", "mem", "disk"];

const plain = id => (id ? id.value : "");
const seconds = time => (time ? time.nanoseconds / 1e9 : 0);
export const ended = task => ENDED.has(task.state);

/** Add resources up by name; ranges as text. */
const sum = (list = []) => {
  const found = {}, spans = {};
  for (const { name, scalar, ranges, set } of list) {
    if (scalar) found[name] = (found[name] || 0) + scalar.value;
    for (const { begin, end } of (ranges && ranges.range) || []) (spans[name] ||= []).push(`${begin}-${end}`);
    for (const item of (set && set.item) || []) (spans[name] ||= []).push(item);
  }
  for (const [name, parts] of Object.entries(spans)) found[name] = parts.join(", ");
  return found;
};
const reserved = list => {
  const roles = {};
  for (const each of list || []) if (each.role && each.role !== "*") (roles[each.role] ||= []).push(each);
  return Object.entries(roles).map(([role, each]) => [role, sum(each)]);
};
const roleOf = ({ resources = [] }) => (resources[0] && resources[0].allocation_info
  ? resources[0].allocation_info.role : "*");

const taskOf = (task, now = 0) => {
  const { statuses = [] } = task, last = statuses[statuses.length - 1];
  return { id: task.task_id.value, name: task.name, framework: task.framework_id.value, agent: plain(task.agent_id),
    executor: plain(task.executor_id), state: task.state, statuses, role: roleOf(task),
    resources: sum(task.resources), since: last ? last.timestamp : now };
};
const frameworkOf = framework => {
  const info = framework.framework_info;
  return { id: plain(info.id), info, name: info.name, roles: info.roles || [info.role || "*"],
    active: framework.active, connected: framework.connected,
    used: sum(framework.allocated_resources), offered: sum(framework.offered_resources),
    offers: (framework.offers || []).map(offerOf), registered: seconds(framework.registered_time),
    unregistered: seconds(framework.unregistered_time) };
};
const offerOf = offer => ({ id: plain(offer.id), framework: plain(offer.framework_id), agent: plain(offer.agent_id),
  role: offer.allocation_info ? offer.allocation_info.role : "*", resources: sum(offer.resources) });
const agentOf = agent => {
  const info = agent.agent_info;
  return { id: plain(info.id), name: `${info.hostname}:${info.port}`, pid: agent.pid, active: agent.active,
    version: agent.version, attributes: info.attributes || [], total: sum(agent.total_resources),
    used: sum(agent.allocated_resources), offered: sum(agent.offered_resources),
    reserved: reserved(agent.total_resources), registered: seconds(agent.registered_time) };
};

export class Cluster {
  #tasks = new Map();
  #frameworks = new Map();
  #agents = new Map();
  #added = 0;
  #shown = null;
  roles = [];
  away = 0;

  /** Take a whole state in place of what was known. */
  begin(state) {
    this.#tasks = new Map();
    const { tasks = [], unreachable_tasks: unreachable = [], completed_tasks: completed = [] } = state.get_tasks;
    for (const task of [...completed, ...unreachable, ...tasks]) this.#keep(taskOf(task));
    this.frameworks(state.get_frameworks);
    this.agents(state.get_agents);
  }

  frameworks({ frameworks = [], completed_frameworks: completed = [] }) {
    this.#frameworks = new Map([...frameworks, ...completed].map(frameworkOf).map(each => [each.id, each]));
    this.#shown = null;
  }

  agents({ agents = [], recovered_agents: recovered = [] }) {
    this.#agents = new Map(agents.map(agentOf).map(each => [each.id, each]));
    this.recovered = recovered.length;
    this.#shown = null;
  }

  /** Take an event. What frameworks and agents hold is in none: that is asked for now and then. */
  apply(event) {
    this.#shown = null;
    if (event.task_added) this.#keep(taskOf(event.task_added.task, Date.now() / 1000));
    else if (event.task_updated) this.#update(event.task_updated);
    else if (event.framework_added) this.#enter(event.framework_added.framework);
    else if (event.framework_updated) this.#enter(event.framework_updated.framework);
    else if (event.framework_removed) this.#end(event.framework_removed.framework_info);
    else if (event.agent_added) {
      const agent = agentOf(event.agent_added.agent);
      this.#agents.set(agent.id, agent);
    } else if (event.agent_removed) this.#agents.delete(event.agent_removed.agent_id.value);
  }

  #keep(task) {
    const key = `${task.framework} ${task.id}`, before = this.#tasks.get(key);
    // An id that is used again is another task, which must not hide the one that ended.
    if (before && ended(before)) this.#tasks.set(`${key} ${before.since}`, before);
    this.#tasks.set(key, task);
    this.#added += 1;
    if (this.#added > PRUNE_AFTER) this.#prune();
  }

  #update({ framework_id: framework, status, state }) {
    const task = this.#tasks.get(`${framework.value} ${status.task_id.value}`);
    if (!task) return;
    const last = task.statuses[task.statuses.length - 1];
    const kept = last && last.state === status.state ? task.statuses.slice(0, -1) : task.statuses;
    Object.assign(task, { state, since: status.timestamp, statuses: [...kept, status] });
  }

  #enter(framework) {
    const { used = {}, offered = {}, offers = [] } = this.#frameworks.get(plain(framework.framework_info.id)) || {};
    const entered = { ...frameworkOf(framework), used, offered, offers };
    this.#frameworks.set(entered.id, entered);
  }

  #end({ id }) {
    const framework = this.#frameworks.get(id.value);
    if (framework) {
      Object.assign(framework, { active: false, connected: false, used: {}, offered: {}, offers: [],
        unregistered: Date.now() / 1000 });
    }
  }

  #prune() {
    this.#added = 0;
    const counts = new Map();
    for (const [key, task] of [...this.#tasks].reverse()) {
      if (!ended(task)) continue;
      const count = (counts.get(task.framework) || 0) + 1;
      counts.set(task.framework, count);
      if (count > MOST_ENDED) this.#tasks.delete(key);
    }
  }

  /** Give what the views show; the same as before while nothing has changed. */
  get shown() {
    if (this.#shown) return this.#shown;
    const tasks = [...this.#tasks.values()].sort((a, b) => b.since - a.since);
    const frameworks = [...this.#frameworks.values()], agents = [...this.#agents.values()];
    for (const each of frameworks) each.now = each.done = 0;
    for (const task of tasks) {
      const framework = this.#frameworks.get(task.framework);
      if (framework) framework[ended(task) ? "done" : "now"] += 1;
    }
    const total = (field, name) => agents.reduce((all, agent) => all + (agent[field][name] || 0), 0);
    const resources = SCALARS.filter(name => total("total", name) > 0).map(name => ({
      name, total: total("total", name), used: total("used", name), offered: total("offered", name) }));
    this.#shown = { tasks, frameworks, agents, resources, roles: this.roles,
      framework: this.#frameworks, agent: this.#agents,
      away: this.away + this.recovered + agents.filter(each => !each.active).length,
      offers: frameworks.flatMap(each => each.offers) };
    return this.#shown;
  }
}

export const address = agent => `http://${agent.pid.split("@")[1]}/`;
export const standing = framework => (framework.unregistered ? "completed" : framework.active ? "active"
  : framework.connected ? "inactive" : "disconnected");
export const counts = tasks => {
  const found = {};
  for (const { state } of tasks) found[state] = (found[state] || 0) + 1;
  return Object.entries(found).sort();
};
