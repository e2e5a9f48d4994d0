// For tests: an API server of a few verbs on plain HTTP, which lists in pages, watches from a version, forgets its
// history when told, and can be stopped and started again on its port.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { ApiEndpoint } from "../../src/kubernetes/api-endpoint.ts";

export interface TestObject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

interface TestEvent {
  readonly version: number;
  readonly type: string;
  readonly collection: string;
  readonly object: TestObject;
}

interface Watcher {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** `name=value` and `name`, which must all hold. */
  readonly labelSelector: string;
  readonly response: ServerResponse;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
}

/** Collections are `/api/v1/pods`, whatever the namespace. */
export class TestApiServer {
  readonly requests: SeenRequest[] = [];
  /** Answers a request before the server looks at it, where it returns a status. */
  intercept: (request: SeenRequest, body: unknown) => { status: number; body?: unknown } | undefined = () =>
    undefined;
  readonly #objects = new Map<string, Map<string, TestObject>>();
  readonly #watchers = new Set<Watcher>();
  readonly #sockets = new Set<Socket>();
  #events: TestEvent[] = [];
  #version = 100;
  #compactedTo = 0;
  #server: Server | undefined;
  #port = 0;

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Takes the place of another one, which must have stopped. */
  async startOn(other: TestApiServer): Promise<void> {
    this.#port = other.#port;
    await this.start();
  }

  /** Breaks every connection; objects and versions stay. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    this.dropConnections();
    await closed;
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#watchers.clear();
  }

  endpoint(): ApiEndpoint {
    return {
      url: new URL(`http://127.0.0.1:${this.#port}`),
      credentials: async () => ({}),
      forgetCredentials: () => undefined,
    };
  }

  get watchCount(): number {
    return this.#watchers.size;
  }

  /** Makes the collection known; others are answered with 404. */
  define(...collections: readonly string[]): void {
    for (const collection of collections) {
      if (!this.#objects.has(collection)) this.#objects.set(collection, new Map());
    }
  }

  put(collection: string, object: TestObject): TestObject {
    this.define(collection);
    const objects = this.#objects.get(collection);
    const id = idOf(object);
    const type = objects?.has(id) ? "MODIFIED" : "ADDED";
    const stored = withVersion(object, ++this.#version);
    objects?.set(id, stored);
    this.#tell({ version: this.#version, type, collection, object: stored });
    return stored;
  }

  delete(collection: string, { namespace, name }: { namespace?: string; name: string }): void {
    const id = `${namespace ?? ""}/${name}`;
    const object = this.#objects.get(collection)?.get(id);
    if (object === undefined) return;
    this.#objects.get(collection)?.delete(id);
    const told = withVersion(object, ++this.#version);
    this.#tell({ version: this.#version, type: "DELETED", collection, object: told });
  }

  /** Whoever asks for an earlier version is answered 410. */
  compact(): void {
    this.#events = [];
    this.#compactedTo = this.#version;
  }

  /** Tells each watcher the version, as the real server does every minute. */
  bookmark(): void {
    for (const { response, collection } of this.#watchers) {
      const object = { kind: collection, metadata: { resourceVersion: String(this.#version) } };
      response.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
    }
  }

  /** Ends each watch with an ERROR event. */
  failWatches(code: number, reason: string): void {
    for (const { response } of this.#watchers) {
      const object = { kind: "Status", code, reason, message: reason };
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
    }
  }

  find(collection: string, namespace: string, name: string): TestObject | undefined {
    return this.#objects.get(collection)?.get(`${namespace}/${name}`);
  }

  #tell(event: TestEvent): void {
    this.#events.push(event);
    for (const watcher of this.#watchers) sendEvent(watcher, event);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://api");
    const { method = "GET", headers } = request;
    const seen = { method, path: url.pathname, query: url.searchParams, headers };
    this.requests.push(seen);
    const body = await readBody(request);
    const answer = this.intercept(seen, body);
    if (answer !== undefined) {
      const { status } = answer;
      send(response, { status, body: answer.body ?? refusal(status).body });
      return;
    }
    const { collection, namespace, name } = parsePath(url.pathname);
    if (!this.#objects.has(collection)) {
      send(response, refusal(404, "NotFound"));
      return;
    }
    if (method === "GET" && name === undefined) {
      const wanted = url.searchParams.get("fieldSelector")?.replace("metadata.name=", "");
      const labelSelector = url.searchParams.get("labelSelector") ?? "";
      const watcher = { collection, namespace, name: wanted, labelSelector, response };
      const isWatch = url.searchParams.get("watch") === "true";
      const refused = isWatch ? this.#watch(watcher, url.searchParams) : undefined;
      if (!isWatch) send(response, this.#list(watcher, url.searchParams));
      else if (refused !== undefined) send(response, refused);
      return;
    }
    const written = body as TestObject;
    const id = `${namespace ?? ""}/${name ?? written.metadata.name}`;
    send(response, this.#answerObject({ method, collection, id, written }));
  }

  #answerObject(request: { method: string; collection: string; id: string; written: TestObject }): Answer {
    const { method, collection, id, written } = request;
    const known = this.#objects.get(collection)?.get(id);
    const [namespace = "", name = ""] = id.split("/");
    if (method === "POST") {
      return known === undefined
        ? { status: 201, body: this.put(collection, written) }
        : refusal(409, "AlreadyExists");
    }
    if (method === "PATCH")
      return { status: 200, body: this.put(collection, merged(known, written) as TestObject) };
    if (known === undefined) return refusal(404, "NotFound");
    if (method === "DELETE") this.delete(collection, { namespace, name });
    if (method !== "PUT") return { status: 200, body: known };
    const { resourceVersion } = written.metadata;
    const isStale = resourceVersion !== undefined && resourceVersion !== known.metadata.resourceVersion;
    return isStale ? refusal(409, "Conflict") : { status: 200, body: this.put(collection, written) };
  }

  #list(asked: Watcher, query: URLSearchParams): Answer {
    const all = [...(this.#objects.get(asked.collection)?.values() ?? [])].filter((object) =>
      concerns(asked, object),
    );
    const [version, start] = (query.get("continue") ?? `${this.#version}:0`).split(":").map(Number);
    if ((version ?? 0) < this.#compactedTo) return refusal(410, "Expired");
    const limit = Number(query.get("limit") ?? all.length);
    const end = (start ?? 0) + limit;
    const metadata = {
      resourceVersion: String(version),
      ...(end < all.length && { continue: `${version}:${end}`, remainingItemCount: all.length - end }),
    };
    const items = all.slice(start, end).map(({ kind: _, apiVersion: __, ...item }) => item);
    return { status: 200, body: { kind: "List", metadata, items } };
  }

  /** Begins the answer, or returns why not. */
  #watch(watcher: Watcher, query: URLSearchParams): Answer | undefined {
    const version = Number(query.get("resourceVersion"));
    if (version < this.#compactedTo) return refusal(410, "Expired");
    if (version > this.#version) {
      return refusal(504, "Timeout", { causes: [{ reason: "ResourceVersionTooLarge" }] });
    }
    watcher.response.writeHead(200, { "content-type": "application/json" });
    watcher.response.flushHeaders();
    for (const event of this.#events) if (event.version > version) sendEvent(watcher, event);
    this.#watchers.add(watcher);
    watcher.response.on("close", () => this.#watchers.delete(watcher));
    return undefined;
  }
}

function sendEvent(watcher: Watcher, { type, object, collection }: TestEvent): void {
  if (collection !== watcher.collection || !concerns(watcher, object)) return;
  watcher.response.write(`${JSON.stringify({ type, object })}\n`);
}

function concerns({ namespace, name, labelSelector }: Watcher, { metadata }: TestObject): boolean {
  const isInNamespace = namespace === undefined || metadata.namespace === namespace;
  return (
    isInNamespace && (name === undefined || metadata.name === name) && isSelected(metadata, labelSelector)
  );
}

function isSelected(metadata: TestObject["metadata"], selector: string): boolean {
  const labels = (metadata.labels ?? {}) as Readonly<Record<string, string>>;
  return selector.split(",").every((wanted) => {
    const [label = "", value] = wanted.split("=");
    return label === "" || (value === undefined ? label in labels : labels[label] === value);
  });
}

function withVersion(object: TestObject, version: number): TestObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
}

function idOf({ metadata: { namespace = "", name } }: TestObject): string {
  return `${namespace}/${name}`;
}

/** `/apis/GROUP/VERSION[/namespaces/NS]/PLURAL[/NAME]` */
function parsePath(path: string) {
  const parts = path.split("/").slice(1);
  const root = parts.splice(0, parts[0] === "api" ? 2 : 3);
  const namespace = parts[0] === "namespaces" && parts.length > 2 ? parts.splice(0, 2)[1] : undefined;
  const [plural, name] = parts;
  return { collection: ["", ...root, plural].join("/"), namespace, name };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? undefined : JSON.parse(text);
}

function refusal(status: number, reason = "", details = {}): Answer {
  const message = `${status} ${reason}`;
  return { status, body: { kind: "Status", apiVersion: "v1", code: status, reason, message, details } };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** A JSON merge patch (RFC 7386): null takes away, lists are replaced. */
function merged(known: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(known) ? { ...known } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
