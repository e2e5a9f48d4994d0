import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import type { StreamingServerOptions, TestStream } from "../../tests/support/streaming-server.ts";
import { streamingServer } from "../../tests/support/streaming-server.ts";
import { ManualClock } from "../core/clock.ts";
import type { CommandStreams, RemoteCommand } from "./remote-command.ts";
import { runRemoteCommand } from "./remote-command.ts";

const SUCCESS = JSON.stringify({ metadata: {}, status: "Success" });

interface Trial {
  readonly serve: (stream: TestStream) => unknown;
  readonly command?: Partial<RemoteCommand>;
  readonly streams?: Partial<CommandStreams>;
  readonly server?: StreamingServerOptions;
  readonly signal?: AbortSignal;
}

async function runAgainst(t: TestContext, { serve, command, streams, server, signal }: Trial) {
  const client = await streamingServer(t, serve, server);
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const running = runRemoteCommand(
    client,
    { namespace: "shop", pod: "web", container: "app", command: ["ls", "-l"], isTty: false, ...command },
    { stdout, stderr, ...streams, clock: new ManualClock(), signal: signal ?? new AbortController().signal },
  );
  const end = await running;
  stdout.end();
  stderr.end();
  return { end, stdout: await text(stdout), stderr: await text(stderr) };
}

test("runRemoteCommand() asks for the command word by word", async (t) => {
  let url: URL | undefined;
  await runAgainst(t, {
    serve: (stream) => {
      url = stream.url;
      stream.send(3, SUCCESS);
    },
  });
  assert.equal(url?.pathname, "/api/v1/namespaces/shop/pods/web/exec");
  assert.equal(
    url?.search,
    "?command=ls&command=-l&container=app&stdin=false&stdout=true&stderr=true&tty=false",
  );
});

test("runRemoteCommand() keeps output and errors apart", async (t) => {
  const result = await runAgainst(t, {
    serve: (stream) => {
      for (const channel of [1, 2, 3]) stream.send(channel);
      stream.send(1, "out");
      stream.send(2, "err");
      stream.send(1, "put");
      stream.send(3, SUCCESS);
    },
  });
  assert.deepEqual(result, { end: { kind: "exited", exitCode: 0 }, stdout: "output", stderr: "err" });
});

test("runRemoteCommand() gives the exit code", async (t) => {
  const details = { causes: [{ reason: "ExitCode", message: "7" }] };
  const status = JSON.stringify({ status: "Failure", reason: "NonZeroExitCode", details });
  const { end } = await runAgainst(t, { serve: (stream) => stream.send(3, status) });
  assert.deepEqual(end, { kind: "exited", exitCode: 7 });
});

test("runRemoteCommand() says why a command didn't run, or that nobody knows", async (t) => {
  const status = JSON.stringify({ status: "Failure", message: "no such program" });
  const refused = await runAgainst(t, { serve: (stream) => stream.send(3, status) });
  assert.deepEqual(refused.end, { kind: "failed", reason: "no such program" });
  const cut = await runAgainst(t, { serve: (stream) => stream.sendFrame(0x88, Buffer.from([0x03, 0xe8])) });
  assert.deepEqual(cut.end, { kind: "failed", reason: "the connection ended before the command" });
});

for (const [protocol, closes] of [
  ["v5.channel.k8s.io", true],
  ["v4.channel.k8s.io", false],
] as const) {
  test(`runRemoteCommand() passes standard input by ${protocol}`, async (t) => {
    const stdin = new PassThrough();
    stdin.end("typed");
    const seen: string[] = [];
    await runAgainst(t, {
      server: { protocol },
      streams: { stdin },
      serve: async (stream) => {
        const wanted = closes ? 2 : 1;
        while (seen.length < wanted) seen.push(String((await stream.next())?.payload.toString("latin1")));
        stream.send(3, SUCCESS);
      },
    });
    assert.deepEqual(seen, closes ? ["\u0000typed", "\u00ff\u0000"] : ["\u0000typed"]);
  });
}

test("runRemoteCommand() tells the size of the window, and when it changes", async (t) => {
  let resize: () => void = () => undefined;
  let columns = 80;
  const window = {
    size: () => ({ columns, rows: 24 }),
    onResize: (listener: () => void) => {
      resize = listener;
      return () => undefined;
    },
  };
  const seen: string[] = [];
  await runAgainst(t, {
    command: { isTty: true },
    streams: { window },
    serve: async (stream) => {
      seen.push(stream.url.searchParams.get("stderr") ?? "", String((await stream.next())?.payload));
      columns = 100;
      resize();
      seen.push(String((await stream.next())?.payload));
      stream.send(3, SUCCESS);
    },
  });
  assert.deepEqual(seen, ["false", '\u0004{"Width":80,"Height":24}', '\u0004{"Width":100,"Height":24}']);
});

test("runRemoteCommand() ends by its signal", async (t) => {
  const stop = new AbortController();
  const running = runAgainst(t, { signal: stop.signal, serve: () => stop.abort() });
  await assert.rejects(running, { name: "AbortError" });
});
