// Runs a command in a container through the API server, with this side's streams as its own.

import type { Duplex, Readable, Writable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import type { StreamingApiClient } from "./api-client.ts";
import { openWebSocket } from "./web-socket.ts";

export interface RemoteCommand {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  /** It gets a terminal of its own; standard error is part of standard output then. */
  readonly isTty: boolean;
}

export interface CommandStreams {
  /** Absent: it has no standard input. */
  readonly stdin?: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Of the terminal in front of it. */
  readonly window?: CommandWindow;
}

export interface CommandWindow {
  size(): { readonly columns: number; readonly rows: number };
  /** Returns what ends it. */
  onResize(listener: () => void): () => void;
}

export interface RemoteCommandOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export type CommandEnd =
  | { readonly kind: "exited"; readonly exitCode: number }
  /** It didn't run, or nobody knows how it ended; a sentence. */
  | { readonly kind: "failed"; readonly reason: string };

/** Version 5 adds the end of standard input to version 4; API servers before 1.30 have the latter alone. */
const END_OF_INPUT_PROTOCOL = "v5.channel.k8s.io";
const protocols = [END_OF_INPUT_PROTOCOL, "v4.channel.k8s.io"];
const channels = { stdin: 0, stdout: 1, stderr: 2, end: 3, window: 4, close: 255 } as const;

/** Throws an ApiError where the API server refuses, and what the connection threw where that is lost. */
export async function runRemoteCommand(
  client: StreamingApiClient,
  command: RemoteCommand,
  { clock, signal, ...streams }: CommandStreams & RemoteCommandOptions,
): Promise<CommandEnd> {
  const request = { path: pathOf(command), query: queryOf(command, streams), signal };
  const { messages, protocol } = await openWebSocket(client, request, { clock, protocols });
  const stop = () => messages.destroy(signal.reason instanceof Error ? signal.reason : undefined);
  signal.addEventListener("abort", stop, { once: true });
  const hasEndOfInput = protocol === END_OF_INPUT_PROTOCOL;
  const endInput = streams.stdin ? sendInput(streams.stdin, messages, hasEndOfInput) : undefined;
  const endWindow = streams.window ? sendWindow(streams.window, messages) : undefined;
  try {
    return await receive(messages, streams);
  } finally {
    signal.removeEventListener("abort", stop);
    endWindow?.();
    endInput?.();
    messages.destroy();
  }
}

function pathOf({ namespace, pod }: RemoteCommand): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec`;
}

function queryOf({ command, container, isTty }: RemoteCommand, { stdin }: CommandStreams) {
  return {
    command,
    container,
    stdin: String(stdin !== undefined),
    stdout: "true",
    stderr: String(!isTty),
    tty: String(isTty),
  };
}

async function receive(messages: Duplex, { stdout, stderr }: CommandStreams): Promise<CommandEnd> {
  for await (const message of messages as AsyncIterable<Buffer>) {
    const content = message.subarray(1);
    // By an empty message a server says that it is ready.
    if (content.length === 0) continue;
    switch (message[0]) {
      case channels.stdout:
        await write(stdout, content);
        break;
      case channels.stderr:
        await write(stderr, content);
        break;
      case channels.end:
        return endOf(content.toString("utf8"));
    }
  }
  return { kind: "failed", reason: "the connection ended before the command" };
}

/** Waits for who reads slowly. */
function write(stream: Writable, content: Buffer): Promise<void> | undefined {
  if (stream.write(content)) return undefined;
  return new Promise((resolve) => stream.once("drain", resolve));
}

interface EndStatus {
  readonly status?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

function endOf(text: string): CommandEnd {
  const { status, message, details } = JSON.parse(text) as EndStatus;
  if (status === "Success") return { kind: "exited", exitCode: 0 };
  const exitCode = details?.causes?.find(({ reason }) => reason === "ExitCode")?.message;
  if (exitCode !== undefined) return { kind: "exited", exitCode: Number(exitCode) };
  return { kind: "failed", reason: message ?? "the node doesn't say why" };
}

/** Returns what ends it. */
function sendInput(stdin: Readable, messages: Duplex, hasEndOfInput: boolean): () => void {
  const resume = () => void stdin.resume();
  const send = (chunk: Buffer) => {
    if (messages.write(Buffer.concat([Buffer.of(channels.stdin), chunk]))) return;
    stdin.pause();
    messages.once("drain", resume);
  };
  const close = () => {
    if (hasEndOfInput) messages.write(Buffer.of(channels.close, channels.stdin));
  };
  stdin.on("data", send);
  stdin.once("end", close);
  return () => {
    messages.off("drain", resume);
    stdin.off("data", send);
    stdin.off("end", close);
    stdin.pause();
  };
}

/** Returns what ends it. */
function sendWindow(window: CommandWindow, messages: Duplex): () => void {
  const send = () => {
    const { columns, rows } = window.size();
    const size = JSON.stringify({ Width: columns, Height: rows });
    messages.write(Buffer.concat([Buffer.of(channels.window), Buffer.from(size)]));
  };
  send();
  return window.onResize(send);
}
