// Asking the cluster, and doing so again and again, gently.

const SLOWEST = 15000;
const SHARE = 5; // Of the time at most a fifth is spent on asking.
const PATIENCE = 30000;
const JSON_TYPE = "application/json";

export const ask = async url => {
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status} for ${url.split("?")[0]}`);
  return answer.json();
};

/** Send a call of the operator API. A master that does not lead sends the whole page to the one that does. */
export const post = async (call, signal) => {
  const answer = await fetch("/api/v1", { method: "POST", cache: "no-store", redirect: "manual", signal,
    headers: { "Content-Type": JSON_TYPE, Accept: JSON_TYPE }, body: JSON.stringify(call) });
  if (answer.type === "opaqueredirect") {
    location.reload();
    throw new Error("another master leads");
  }
  if (!answer.ok) throw new Error(`HTTP ${answer.status} for ${call.type}`);
  return answer;
};

/** Make a reading call of the operator API, and give what it answers. */
export const call = async (type, members = {}) => {
  const answer = await post({ type, ...members }, AbortSignal.timeout(PATIENCE));
  return (await answer.json())[type.toLowerCase()] || {};
};

/** Do `work` now and every so many milliseconds: later when it takes long or fails, and not while nobody looks.
 *
 * Gives a function that has it done at once. */
export const every = (milliseconds, work) => {
  const problem = document.getElementById("problem");
  let timer = 0, running = false, again = false, failures = 0;
  const turn = async () => {
    clearTimeout(timer);
    if (running) { again = true; return; }
    running = true;
    const begun = performance.now();
    try {
      await work();
      failures = 0;
      problem.textContent = "";
    } catch (error) {
      failures += 1;
      problem.textContent = `No answer (${error.message}); trying again.`;
    }
    running = false;
    const pause = Math.max(milliseconds, SHARE * (performance.now() - begun)) * 2 ** failures;
    if (again) { again = false; turn(); }
    else if (!document.hidden) timer = setTimeout(turn, Math.min(SLOWEST, pause));
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) turn(); });
  turn();
  return turn;
};
