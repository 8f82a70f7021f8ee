// Reading a file of a sandbox, by its bytes: the end of it, what is added, and what came before.

import { encode } from "./common.js";

const PART = 65536;
const KEPT = 1024 * 1024;

/** Read a part of a file.
 *
 * An agent sends bytes that may be no text, or half a character, inside of JSON: with each byte taken for a
 * character the JSON can be read, and the characters of `data` are the bytes of the file. */
export const read = async (path, offset, length = PART) => {
  const from = offset === undefined ? "" : `&offset=${offset}&length=${length}`;
  const answer = await fetch(`/files/read?path=${encode(path)}${from}`, { cache: "no-store" });
  if (!answer.ok) throw new Error(`HTTP ${answer.status} for ${path}`);
  const raw = new Uint8Array(await answer.arrayBuffer());
  let text = "";
  for (let i = 0; i < raw.length; i += 8192) text += String.fromCharCode(...raw.subarray(i, i + 8192));
  const part = JSON.parse(text);
  return { offset: part.offset, bytes: Uint8Array.from(part.data, character => character.charCodeAt(0)) };
};

/** A stretch of a file that grows at both ends, and forgets its beginning when it gets too long. */
export class Stretch {
  constructor(path) {
    this.path = path;
    this.start = this.end = undefined;
    this.bytes = new Uint8Array(0);
  }

  /** Read on to the end of the file; tells whether anything has changed. */
  async grow() {
    let changed = false;
    const size = (await read(this.path)).offset;
    if (this.end === undefined || size < this.end) { // New here, or the file was emptied.
      this.start = this.end = Math.max(0, size - PART);
      this.bytes = new Uint8Array(0);
      changed = true;
    }
    while (this.end < size) {
      const { bytes } = await read(this.path, this.end);
      if (!bytes.length) break;
      this.#keep(this.bytes, bytes);
      this.end += bytes.length;
      changed = true;
      if (this.bytes.length > KEPT) {
        this.start += this.bytes.length - KEPT;
        this.bytes = this.bytes.slice(-KEPT);
      }
    }
    return changed;
  }

  /** Read the part before what is there. */
  async earlier() {
    const from = Math.max(0, this.start - PART);
    const { bytes } = await read(this.path, from, this.start - from);
    this.#keep(bytes, this.bytes);
    this.start -= bytes.length;
  }

  #keep(one, other) {
    const both = new Uint8Array(one.length + other.length);
    both.set(one);
    both.set(other, one.length);
    this.bytes = both;
  }

  get text() { return new TextDecoder().decode(this.bytes); }
}
