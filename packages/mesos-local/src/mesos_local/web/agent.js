// The agent's page: executors, the sandbox of the one that the address names, and a file that is followed.
// The address is `#/framework/executor/task/file`; task and file may be missing.

import { amount, cell, chosen, encode, link, mono, node, show, size, table, time } from "./common.js";
import { ask, every } from "./live.js";
import { Stretch } from "./reader.js";

const part = id => document.getElementById(id);
let sandbox = "", directory = "", wanted = "", stretch = null;

const executorsOf = state => [...state.frameworks, ...state.completed_frameworks].flatMap(f =>
  [...f.executors.map(e => [e, "running"]), ...f.completed_executors.map(e => [e, "ended"])]
    .map(([e, now]) => ({ ...e, now, framework: f.id })));
const ran = (executor, task) => [...executor.tasks, ...executor.queued_tasks, ...executor.completed_tasks]
  .some(each => each.id === task);

// The tasks of a default executor have sandboxes of their own in its.
const sandboxOf = (run, task) => (run.type === "DEFAULT" && task && ran(run, task)
  ? `${run.directory}/tasks/${task}` : run.directory);

const showExecutors = executors => show(part("executors"), [table("Executors",
  ["Framework", "Executor", "State", "Tasks", "Resources"], executors.map(e => [
    mono(e.framework), cell(link(`#/${[e.framework, e.id, "", "stdout"].map(encode).join("/")}`, e.id)), cell(e.now),
    cell(`${e.tasks.length + e.queued_tasks.length} now, ${e.completed_tasks.length} done`),
    cell(amount(e.resources))]), "No executor has run here.")]);

/** Go to the sandbox that the address names: of several runs the one that had the task, or the latest. */
const goTo = executors => {
  const [framework, id, task, file] = chosen();
  const runs = executors.filter(e => e.framework === framework && e.id === id);
  const run = runs.find(e => task && ran(e, task)) || runs.find(e => e.now === "running") || runs[runs.length - 1];
  part("sandbox").hidden = !framework;
  part("whose").textContent = id || "";
  part("note").textContent = framework && !run ? "This executor is not known here (yet)." : "";
  const found = run ? sandboxOf(run, task) : "";
  if (found === sandbox && location.hash === wanted) return;
  [sandbox, directory, wanted] = [found, found, location.hash];
  open(found && file ? `${found}/${file}` : "");
};

const open = path => {
  stretch = path ? new Stretch(path) : null;
  part("file").hidden = !path;
  part("name").textContent = path.split("/").pop();
  part("content").textContent = part("shown").textContent = "";
  part("download").href = `/files/download?path=${encode(path)}`;
};

const showFiles = async () => {
  const asked = directory;
  part("directory").textContent = asked;
  part("up").disabled = asked === sandbox;
  if (!asked) return show(part("files"), []);
  const entries = await ask(`/files/browse?path=${encode(asked)}`);
  if (asked !== directory) return undefined;
  return show(part("files"), [table("Files", ["Mode", "Owner", "Size", "Changed", "Name", ""], entries.map(e => {
    const name = e.path.split("/").pop(), folder = e.mode.startsWith("d");
    return [mono(e.mode), cell(e.uid), cell(folder ? "" : size(e.size)), cell(time(e.mtime)),
      cell(node("button", { type: "button", "data-path": e.path, "data-folder": folder }, folder ? `${name}/` : name)),
      cell(folder ? "" : link(`/files/download?path=${encode(e.path)}`, "download"))];
  }), "Nothing is here.")]);
};

const showText = () => {
  const content = part("content"), text = stretch.text;
  const atEnd = content.scrollTop + content.clientHeight >= content.scrollHeight - 4;
  content.textContent = text;
  if (atEnd && part("following").checked) content.scrollTop = content.scrollHeight;
  part("shown").textContent = `bytes ${stretch.start} to ${stretch.end}`;
  part("earlier").disabled = stretch.start === 0;
};
const follow = async () => {
  const mine = stretch;
  if (!mine || (mine.end !== undefined && !part("following").checked)) return;
  try {
    if (await mine.grow() && mine === stretch) showText();
  } catch (error) {
    if (mine === stretch) part("shown").textContent = `cannot be read now (${error.message})`;
  }
};

const turn = async () => {
  const state = await ask("/state");
  part("agent").textContent = state.pid;
  const executors = executorsOf(state);
  showExecutors(executors);
  goTo(executors);
  await showFiles();
  await follow();
};
const again = every(1000, turn);
addEventListener("hashchange", again);
part("following").addEventListener("change", again);
part("up").addEventListener("click", () => { directory = directory.replace(/\/[^/]*$/, ""); again(); });
part("earlier").addEventListener("click", async () => {
  const mine = stretch;
  part("earlier").disabled = true;
  await mine.earlier();
  if (mine === stretch) showText();
});
part("files").addEventListener("click", event => {
  const { path, folder } = event.target.dataset;
  if (!path) return;
  if (folder === undefined) open(path);
  else directory = path;
  again();
});
