// A real Envoy as the gateway of a real control plane, with one port of HTTP and one of TCP to an echo server.

import { readFile } from "node:fs/promises";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestOptions,
  request,
} from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type EnvoyProcess, makeSocketDirectory, startEnvoy } from "./envoy-process.ts";
import { startPlane } from "./plane-under-test.ts";

export interface GatewayUnderPlane {
  readonly plane: Awaited<ReturnType<typeof startPlane>>["plane"];
  readonly apply: (...texts: string[]) => void;
  readonly envoy: EnvoyProcess;
  readonly httpPort: number;
  readonly tcpPort: number;
  /** Of a request on a connection of its own. */
  status(path: string, headers?: Readonly<Record<string, string>>): Promise<number>;
  /** The same, with the headers that reached the server; `preamble`: what is sent before it. */
  ask(request: { readonly headers?: string; readonly preamble?: string }): Promise<GatewayAnswer>;
  /** Whether a connection of its own is answered. */
  isEchoed(): Promise<boolean>;
  /** A connection for requests, an open response and an open connection of bytes. */
  hold(): Promise<HeldConnections>;
  accessLog(): Promise<string>;
  /** The dump of the Envoy's listeners. */
  listenerText(): Promise<string>;
}

export interface GatewayAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly received: Readonly<Record<string, string>>;
}

export interface HeldConnections {
  /** By the connection that is held. */
  status(path: string): Promise<number>;
  /** Asks each whether it still works; returns those that don't. */
  closed(): Promise<readonly string[]>;
}

/** `objects` are there before the Envoy starts. */
export async function startGateway(
  t: TestContext,
  objects: (ports: { readonly httpPort: number; readonly tcpPort: number }) => readonly string[] = () => [],
): Promise<GatewayUnderPlane> {
  const directory = makeSocketDirectory(t);
  const adsPath = join(directory, "xds.sock");
  const logPath = join(directory, "access.log");
  const { plane, apply } = await startPlane(t, { adsPath });
  const [httpPort, tcpPort] = await freePorts();
  const upstreams = [await startWebServer(t), await startEchoServer(t)] as const;
  apply(gatewayManifests({ httpPort, tcpPort }, upstreams, logPath), ...objects({ httpPort, tcpPort }));
  const envoy = startEnvoy(t, {
    directory,
    adsPath,
    variant: "DELTA_GRPC",
    node: {
      id: "router~127.0.0.1~edge.shop~shop.svc.cluster.local",
      metadata: { NAMESPACE: "shop", LABELS: { app: "edge" } },
    },
  });
  await envoy.untilLive();
  return {
    plane,
    apply,
    envoy,
    httpPort,
    tcpPort,
    status: (path, headers = {}) => statusOf({ port: httpPort, path, headers, agent: false }),
    ask: (request) => askRaw(t, httpPort, request),
    isEchoed: () => isEchoedBy(tcpPort),
    hold: () => hold(t, { httpPort, tcpPort }),
    accessLog: () => readFile(logPath, "utf8"),
    listenerText: () => envoy.admin("/config_dump?resource=dynamic_listeners"),
  };
}

function gatewayManifests(
  { httpPort, tcpPort }: { readonly httpPort: number; readonly tcpPort: number },
  [web, echo]: readonly [number, number],
  logPath: string,
): string {
  return `
kind: MeshConfig
metadata: { name: mesh }
spec: { accessLogFile: ${logPath} }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  selector: { app: edge }
  servers:
    - { port: { number: ${httpPort}, name: http, protocol: HTTP }, hosts: ["*"] }
    - { port: { number: ${tcpPort}, name: tcp, protocol: TCP }, hosts: ["*"] }
---
${entry("web", web, "HTTP")}
---
${entry("echo", echo, "TCP")}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: edge, namespace: shop }
spec:
  hosts: ["*"]
  gateways: [edge]
  http: [{ route: [{ destination: { host: web.example.com } }] }]
  tcp: [{ match: [{ port: ${tcpPort} }], route: [{ destination: { host: echo.example.com } }] }]
`;
}

function entry(name: string, port: number, protocol: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [${name}.example.com]
  resolution: STATIC
  ports: [{ number: ${port}, name: port, protocol: ${protocol} }]
  endpoints: [{ address: 127.0.0.1 }]
`;
}

/** Answers with the headers; of `/open` it never sends the end, and echoes what is sent. */
async function startWebServer(t: TestContext): Promise<number> {
  const server = createHttpServer((incoming, response) => {
    if (incoming.url !== "/open") {
      incoming.resume();
      response.end(JSON.stringify(incoming.headers));
      return;
    }
    response.flushHeaders();
    incoming.pipe(response);
  });
  t.after(() => server.closeAllConnections());
  return listen(t, server, "127.0.0.1");
}

async function startEchoServer(t: TestContext): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  return listen(t, server, "127.0.0.1");
}

async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports = await Promise.all(servers.map((server) => listen(undefined, server, "0.0.0.0")));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [first = 0, second = 0] = ports;
  return [first, second];
}

async function listen(t: TestContext | undefined, server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t?.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

function statusOf(options: RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", ...options }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    call.on("error", reject);
    call.end();
  });
}

async function askRaw(
  t: TestContext,
  port: number,
  { headers = "", preamble = "" }: { readonly headers?: string; readonly preamble?: string },
): Promise<GatewayAnswer> {
  const socket = await connected(t, port);
  socket.write(`${preamble}GET / HTTP/1.1\r\nhost: x\r\n${headers}connection: close\r\n\r\n`);
  let text = "";
  socket.on("data", (chunk) => {
    text += String(chunk);
  });
  await new Promise((resolve) => socket.once("close", resolve));
  const received = /\{.*\}/.exec(text)?.[0] ?? "{}";
  return { status: Number(text.split(" ")[1] ?? 0), received: JSON.parse(received) };
}

function isEchoedBy(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write("x"));
    const settle = (isEchoed: boolean) => {
      resolve(isEchoed);
      socket.destroy();
    };
    socket.on("data", () => settle(true));
    socket.on("close", () => settle(false));
    socket.on("error", () => settle(false));
  });
}

async function hold(
  t: TestContext,
  { httpPort, tcpPort }: { readonly httpPort: number; readonly tcpPort: number },
): Promise<HeldConnections> {
  const requests = await holdRequests(t, httpPort);
  const response = await holdResponse(t, httpPort);
  const connection = await holdConnection(t, tcpPort);
  return {
    status: requests.status,
    async closed() {
      const alive = { requests: requests.isOpen(), response: response(), bytes: connection() };
      const states = await Promise.all(
        Object.entries(alive).map(async ([name, isAlive]) => [name, await isAlive] as const),
      );
      return states.flatMap(([name, isAlive]) => (isAlive ? [] : [name]));
    },
  };
}

/** Speaks HTTP/1.1 itself, on one connection. */
async function holdRequests(t: TestContext, port: number) {
  const socket = await connected(t, port);
  let isOpen = true;
  socket.on("close", () => (isOpen = false));
  const status = async (path: string) => {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    const [head = ""] = (await nextChunk(socket)).split("\r\n");
    return Number(head.split(" ")[1]);
  };
  return { status, isOpen: () => isOpen };
}

/** A response that never ends, and passes on what is sent. */
async function holdResponse(t: TestContext, port: number): Promise<() => Promise<boolean>> {
  const call = request({ host: "127.0.0.1", port, path: "/open", method: "POST", agent: false });
  t.after(() => call.destroy());
  call.on("error", () => undefined);
  call.flushHeaders();
  const response = await new Promise<IncomingMessage>((resolve) => call.once("response", resolve));
  response.on("error", () => undefined);
  return () =>
    new Promise((resolve) => {
      if (response.closed) resolve(false);
      response.once("data", () => resolve(true));
      response.once("close", () => resolve(false));
      call.write("x");
    });
}

async function holdConnection(t: TestContext, port: number): Promise<() => Promise<boolean>> {
  const socket = await connected(t, port);
  const echo = async () => {
    if (socket.closed) return false;
    socket.write("x");
    return (await nextChunk(socket)) !== "";
  };
  if (!(await echo())) throw new Error(`Nothing came back from port ${port}`);
  return echo;
}

async function connected(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  t.after(() => socket.destroy());
  socket.on("error", () => socket.destroy());
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return socket;
}

/** Empty where the connection ends. */
function nextChunk(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const settle = (text: string) => {
      socket.off("data", onData);
      socket.off("close", onClose);
      resolve(text);
    };
    const onData = (chunk: Buffer) => settle(chunk.toString());
    const onClose = () => settle("");
    socket.on("data", onData);
    socket.on("close", onClose);
  });
}
