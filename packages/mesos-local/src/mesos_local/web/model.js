// What the views need, made of the answer of `/state`.

const SCALARS = [["cpus", ""], ["gpus", ""], ["mem", " MB"], ["disk", " MB"]];

export const model = (state, roles) => {
  const frameworks = [...state.frameworks, ...state.completed_frameworks];
  const tasks = frameworks.flatMap(f => [...f.tasks, ...f.unreachable_tasks, ...f.completed_tasks]);
  for (const task of tasks) task.since = since(task);
  tasks.sort((a, b) => b.since - a.since);
  const agents = new Map(state.slaves.map(agent => [agent.id, agent]));
  const total = (field, name) => state.slaves.reduce((sum, agent) => sum + (agent[field][name] || 0), 0);
  const resources = SCALARS.filter(([name]) => total("resources", name) > 0).map(([name, unit]) => ({
    name, unit, total: total("resources", name), used: total("used_resources", name),
    offered: total("offered_resources", name) }));
  return { state, roles, frameworks, tasks, agents, resources, offers: frameworks.flatMap(f => f.offers) };
};

const since = task => (task.statuses.length ? task.statuses[task.statuses.length - 1].timestamp : 0);
export const address = agent => `http://${agent.pid.split("@")[1]}/`;
export const standing = framework => (framework.unregistered_time ? "completed" : framework.active ? "active"
  : framework.connected ? "inactive" : "disconnected");
export const counts = tasks => {
  const found = {};
  for (const { state } of tasks) found[state] = (found[state] || 0) + 1;
  return Object.entries(found).sort();
};
