// The master's page: follows the event stream, and shows the view that the address names.
//
// What no event tells (what is used and offered, offers, roles) is asked for when something has happened, and
// every few seconds. While there is no stream, the whole state is asked for again and again.

import { chosen, show } from "./common.js";
import { call, every } from "./live.js";
import { Cluster } from "./model.js";
import { listen } from "./stream.js";
import { choose, setUpTasks } from "./tasks.js";
import { views } from "./views.js";

const FIRST_PAUSE = 500, LONGEST_PAUSE = 15000; // Between two tries to subscribe.
const QUIET = 5000; // So long figures may be old while nothing happens.
const GRACE = 3000; // So long the first state may take until it is asked for in another way.
const FRAME = 100;
const place = document.getElementById("view"), link = document.getElementById("link");
const cluster = new Cluster();
let begun = false, live = false, failed = false, changed = true, asked = 0, drawn = 0;
setTimeout(() => { failed ||= !begun; }, GRACE);

const draw = () => {
  if (!begun || document.hidden) return;
  const [name = "", ...rest] = chosen();
  const view = views[name] || views[""];
  for (const a of document.querySelectorAll("#views a")) {
    const current = a.getAttribute("href") === `#/${view.tab}`;
    if (current) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  document.getElementById("choice").hidden = view !== views.tasks;
  document.title = `${view.title} - Mesos (embedded)`;
  show(place, view === views.tasks ? choose(cluster.shown) : view.draw(cluster.shown, ...rest));
};
/** Draw soon: many events make one drawing. */
const drawSoon = () => {
  drawn ||= setTimeout(() => { drawn = 0; draw(); }, FRAME);
};
const say = text => {
  link.textContent = text;
  link.className = live ? "live" : "muted";
};

const take = event => {
  if (event.subscribed) {
    cluster.begin(event.subscribed.get_state);
    begun = live = true;
    failed = false;
    say("live");
    again();
  } else if (event.type !== "HEARTBEAT") {
    cluster.apply(event);
    changed = true;
  }
  drawSoon();
};
/** Subscribe again and again, while somebody looks: browsers allow few connections to one host. */
const follow = async () => {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    await visible();
    const control = new AbortController(), leave = () => { if (document.hidden) control.abort(); };
    document.addEventListener("visibilitychange", leave);
    try {
      await listen(take, control);
    } catch {
      if (live) pause = FIRST_PAUSE;
      live = false;
      failed = !document.hidden;
      say(document.hidden ? "" : "no event stream, asking every second");
      again();
    } finally {
      document.removeEventListener("visibilitychange", leave);
    }
    await new Promise(resolve => { setTimeout(resolve, pause * (0.5 + Math.random())); });
  }
};
const visible = () => new Promise(resolve => {
  const look = () => {
    if (document.hidden) return;
    document.removeEventListener("visibilitychange", look);
    resolve();
  };
  document.addEventListener("visibilitychange", look);
  look();
});

const figures = async view => {
  const calls = [["GET_FRAMEWORKS", a => cluster.frameworks(a)], ["GET_AGENTS", a => cluster.agents(a)]];
  if (view === "roles") calls.push(["GET_ROLES", ({ roles = [] }) => { cluster.roles = roles; }]);
  await Promise.all(calls.map(async ([type, use]) => use(await call(type))));
  if (view === "") {
    const { metrics } = await call("GET_METRICS", { get_metrics: {} });
    cluster.away = metrics.find(each => each.name === "master/slaves_unreachable").value;
  }
};
const refresh = async () => {
  const now = performance.now(), view = chosen()[0];
  if (!live && !failed) return;
  if (live && !changed && now - asked < QUIET && view !== "offers") return;
  changed = false;
  asked = now;
  if (!live) {
    cluster.begin(await call("GET_STATE"));
    begun = true;
  }
  await figures(view);
  if (!document.getElementById("master").textContent || !live) {
    document.getElementById("master").textContent = (await call("GET_MASTER")).master_info.pid;
  }
  draw();
};

setUpTasks(draw);
const again = every(1000, refresh);
follow();
addEventListener("hashchange", () => { draw(); changed = true; again(); });
document.querySelector(".skip").addEventListener("click", event => {
  event.preventDefault();
  document.getElementById("main").focus();
});
