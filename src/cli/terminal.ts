// Where commands write: results to standard output, everything else to standard error; colours only for people.

export interface Terminal {
  /** Which of the standard streams are one. */
  readonly isTty: { readonly input: boolean; readonly output: boolean };
  /** Whether colours are wanted on standard output. */
  readonly hasColour: boolean;
  /** Results, for people or programs. */
  write(text: string): void;
  /** Errors, progress and remarks. */
  writeError(text: string): void;
  /** The line that a person answers; undefined where nobody is there to be asked, or the signal aborts. */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>;
}

interface Streams {
  readonly stdin?: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** https://no-color.org: set and not empty means none, on a terminal as well. */
export function openTerminal(streams: Streams, env: Readonly<Record<string, string | undefined>>): Terminal {
  const isRefused = (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  return {
    isTty: { input: streams.stdin?.isTTY === true, output: streams.stdout.isTTY === true },
    hasColour: streams.stdout.isTTY === true && !isRefused,
    write: (text) => void streams.stdout.write(text),
    writeError: (text) => void streams.stderr.write(text),
    async ask(question, signal) {
      const { stderr, stdin } = streams;
      if (stdin?.isTTY !== true || signal.aborted) return undefined;
      stderr.write(question);
      return await readLine(stdin, signal);
    },
  };
}

/** By the terminal's own line discipline, so that Ctrl-C stays a signal. */
function readLine(stdin: NodeJS.ReadableStream, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const finish = (line: string | undefined) => {
      stdin.off("data", take).off("end", end).pause();
      signal.removeEventListener("abort", stop);
      resolve(line);
    };
    const take = (chunk: Buffer | string) => {
      text += chunk;
      const [line, ...others] = text.split("\n");
      if (others.length > 0) finish(line);
    };
    const end = () => finish(text);
    const stop = () => finish(undefined);
    signal.addEventListener("abort", stop);
    stdin.on("data", take).on("end", end).resume();
  });
}

const styles = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  brightBlue: 94,
  brightMagenta: 95,
  brightCyan: 96,
} as const;

export type Style = keyof typeof styles;

/** The text itself where there are no colours. */
export function paint(terminal: Pick<Terminal, "hasColour">, style: Style, text: string): string {
  return terminal.hasColour ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;
}

/** Colours that stay apart on dark and light backgrounds; red and yellow are kept for errors and warnings. */
export const workloadStyles: readonly Style[] = [
  "cyan",
  "magenta",
  "green",
  "blue",
  "brightCyan",
  "brightMagenta",
  "brightBlue",
];
