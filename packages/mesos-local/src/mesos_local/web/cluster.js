// The master's page: asks for the state and shows the view that the address names.

import { chosen, show } from "./common.js";
import { ask, every } from "./live.js";
import { model } from "./model.js";
import { choose, setUpTasks } from "./tasks.js";
import { views } from "./views.js";

const place = document.getElementById("view");
let latest = null;

const draw = () => {
  if (!latest) return;
  const [name = "", ...rest] = chosen();
  const view = views[name] || views[""];
  for (const a of document.querySelectorAll("#views a")) {
    const current = a.getAttribute("href") === `#/${view.tab}`;
    if (current) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  document.getElementById("choice").hidden = view !== views.tasks;
  document.title = `${view.title} - Mesos (embedded)`;
  show(place, view === views.tasks ? choose(latest) : view.draw(latest, ...rest));
};
const refresh = async () => {
  const [state, roles] = await Promise.all([
    ask("/state"), chosen()[0] === "roles" ? ask("/roles") : latest && { roles: latest.roles }]);
  latest = model(state, roles ? roles.roles : []);
  document.getElementById("master").textContent = state.pid;
  draw();
};

setUpTasks(draw);
const again = every(1000, refresh);
addEventListener("hashchange", () => { draw(); again(); });
document.querySelector(".skip").addEventListener("click", event => {
  event.preventDefault();
  document.getElementById("main").focus();
});
