// The master's event stream: RecordIO in a response that goes on, and a watch over its heartbeats.

import { post } from "./live.js";

const UNTIL_FIRST = 20000; // So long the state may take, and any later record, until the master says how long.
const decoder = new TextDecoder();

/** Give the records of a body, as text, as they come. */
async function* records(body) {
  const reader = body.getReader();
  let parts = [], size = 0, wanted = 0; // Of the record that comes, with its head; 0 while that is not known.
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parts.push(value);
    size += value.length;
    while (size > 0 && size >= wanted) {
      const all = joined(parts, size), end = all.indexOf(10);
      parts = [all];
      if (end < 0) break;
      wanted = end + 1 + Number(decoder.decode(all.subarray(0, end)));
      if (size < wanted) break;
      yield decoder.decode(all.subarray(end + 1, wanted));
      parts = [all.subarray(wanted)];
      size -= wanted;
      wanted = 0;
    }
  }
}
const joined = (parts, size) => {
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(size);
  let place = 0;
  for (const part of parts) {
    all.set(part, place);
    place += part.length;
  }
  return all;
};

/** Subscribe, and give each event to `take`. Ends with an error only: the stream is over, silent or unwanted. */
export const listen = async (take, control) => {
  let limit = UNTIL_FIRST, timer = 0;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => control.abort(new Error("the stream is silent")), limit);
  };
  heard();
  try {
    const answer = await post({ type: "SUBSCRIBE" }, control.signal);
    for await (const record of records(answer.body)) {
      const event = JSON.parse(record);
      if (event.subscribed) limit = 2500 * event.subscribed.heartbeat_interval_seconds;
      heard();
      take(event);
    }
    throw new Error("the stream ended");
  } finally {
    clearTimeout(timer);
    control.abort();
  }
};
