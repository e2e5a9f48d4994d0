// Cuts a stream of bytes into lines of text. A line without end is cut at a bound, so memory never grows.

import { StringDecoder } from "node:string_decoder";

const MAX_LINE_CHARACTERS = 16_384;

export interface LineSplitter {
  write(chunk: Uint8Array): void;
  /** Gives the last line if it has no newline. */
  end(): void;
}

export function splitLines(onLine: (line: string) => void): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const take = (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
    while (rest.length > MAX_LINE_CHARACTERS) {
      onLine(rest.slice(0, MAX_LINE_CHARACTERS));
      rest = rest.slice(MAX_LINE_CHARACTERS);
    }
  };
  return {
    write: (chunk) => take(decoder.write(chunk as Buffer)),
    end() {
      take(decoder.end());
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
