// Requests to the API server over HTTP/1.1 with kept connections. It knows paths and JSON, no kind and no retry,
// but for one: credentials that are refused are read anew.

import type { ClientRequest, IncomingHttpHeaders, RequestOptions } from "node:http";
import { Agent as HttpAgent, request as httpRequest, IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import type { ApiCredentials, ApiEndpoint } from "./api-endpoint.ts";
import { ApiSilence, apiErrorOf, isApiError } from "./api-error.ts";

export interface ApiRequest {
  /** GET unless given. */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** A list is written as several of that name. */
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  /** Of the body; `application/json` unless given. */
  readonly contentType?: string;
  /** A form of the answer that is preferred to JSON. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** For the whole answer, or until a stream begins; 30 s unless given. */
  readonly timeoutMs?: number;
}

export interface ApiClient {
  /** The parsed answer, or its bytes where it came in the form of `accept`. Throws ApiError for a refusal, and whatever the connection threw. */
  request(request: ApiRequest): Promise<unknown>;
  /** An answer that goes on: a watch or a log. Throws as `request` does. */
  open(request: ApiRequest): Promise<IncomingMessage>;
  /** Ends idle connections; a request in flight ends by its own signal. */
  close(): void;
}

/** One that can also have a connection to itself. */
export interface StreamingApiClient extends ApiClient {
  /** The server hands the connection over to another protocol. Throws as `request` does. */
  upgrade(request: ApiUpgrade): Promise<UpgradedConnection>;
}

export interface ApiUpgrade extends Omit<ApiRequest, "method" | "body" | "contentType"> {
  /** `upgrade`, and what that protocol wants. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface UpgradedConnection {
  readonly socket: Socket;
  /** What came with the answer already. */
  readonly head: Buffer;
  readonly headers: IncomingHttpHeaders;
}

export interface ApiClientOptions {
  readonly clock: Clock;
  /** How the server's audit log names us. */
  readonly userAgent: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** TCP tries again after 1, 3, 7, 15 and 31 s: who waits that long hears late from a server that is back. */
const CONNECT_TIMEOUT_MS = 5_000;
const JSON_TYPE = "application/json";

export function createApiClient(endpoint: ApiEndpoint, options: ApiClientOptions): StreamingApiClient {
  const isSecure = endpoint.url.protocol === "https:";
  const agent = isSecure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const start = isSecure ? httpsRequest : httpRequest;

  const attempt = async (request: ApiRequest): Promise<IncomingMessage> => {
    const credentials = await endpoint.credentials();
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const url = urlOf(endpoint.url, request);
    const { userAgent, clock } = options;
    return await new Promise((resolve, reject) => {
      const sent = start(url, {
        ...requestOptions(endpoint, credentials, request, userAgent),
        agent,
        ...(body === undefined ? {} : { headers: headersOf(credentials, request, userAgent, body) }),
      });
      const cancel = clock.after(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, () =>
        sent.destroy(new ApiSilence(`${actionOf(request)}: no answer in time`)),
      );
      sent.on("socket", (socket) => {
        // A kept one is connected.
        if (!socket.connecting) return;
        const silence = new ApiSilence(`${actionOf(request)}: no connection in time`);
        const connected = clock.after(CONNECT_TIMEOUT_MS, () => sent.destroy(silence));
        socket.once(isSecure ? "secureConnect" : "connect", connected);
        sent.once("close", connected);
      });
      sent.on("response", (response) => {
        cancel();
        resolve(response);
      });
      sent.on("error", (error) => {
        cancel();
        reject(error);
      });
      sent.end(body);
    });
  };

  const open = async (request: ApiRequest): Promise<IncomingMessage> => {
    const response = await attempt(request);
    const { statusCode: status = 0 } = response;
    if (status >= 200 && status < 300) return response;
    throw apiErrorOf(actionOf(request), status, await textOf(response, request, options.clock));
  };
  const upgrade = async (request: ApiUpgrade): Promise<UpgradedConnection> => {
    const credentials = await endpoint.credentials();
    const { clock, userAgent } = options;
    const own = requestOptions(endpoint, credentials, request, userAgent);
    // Who asks for JSON is answered 406: these subresources answer in no form that has a name.
    const headers = { ...own.headers, accept: "*/*", ...request.headers, connection: "Upgrade" };
    const answer = await untilUpgraded(
      start(urlOf(endpoint.url, request), { ...own, headers, agent: false }),
      request,
      clock,
    );
    if (!(answer instanceof IncomingMessage)) return answer;
    const text = await textOf(answer, request, clock);
    throw apiErrorOf(actionOf(request), answer.statusCode ?? 0, text);
  };
  /** Once more where the credentials were refused. */
  const again = async <T>(attemptOnce: () => Promise<T>): Promise<T> => {
    try {
      return await attemptOnce();
    } catch (error) {
      if (!isApiError(error, 401)) throw error;
      endpoint.forgetCredentials();
      return attemptOnce();
    }
  };
  const openAgain = (request: ApiRequest) => again(() => open(request));
  return {
    open: openAgain,
    upgrade: (request) => again(() => upgrade(request)),
    request: async (request) => {
      const response = await openAgain(request);
      const bytes = await bytesOf(response, request, options.clock);
      const { accept } = request;
      if (accept !== undefined && response.headers["content-type"]?.startsWith(accept) === true) return bytes;
      return bytes.length === 0 ? undefined : JSON.parse(bytes.toString("utf8"));
    },
    close: () => agent.destroy(),
  };
}

/** The connection, or the answer of a server that doesn't hand it over. */
function untilUpgraded(
  sent: ClientRequest,
  request: ApiUpgrade,
  clock: Clock,
): Promise<UpgradedConnection | IncomingMessage> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, () =>
      sent.destroy(new ApiSilence(`${actionOf(request)}: no answer in time`)),
    );
    const settle = <T>(finish: (value: T) => void) => {
      return (value: T) => {
        cancel();
        finish(value);
      };
    };
    sent.on("upgrade", ({ headers }, socket, head) =>
      // A client's connection is a socket, though the type says less.
      settle(resolve)({ socket: socket as Socket, head, headers }),
    );
    sent.on("response", settle(resolve));
    sent.on("error", settle(reject));
    sent.end();
  });
}

function requestOptions(
  endpoint: ApiEndpoint,
  credentials: ApiCredentials,
  request: ApiRequest,
  userAgent: string,
): RequestOptions {
  const { clientCertificate } = credentials;
  return {
    method: request.method ?? "GET",
    headers: headersOf(credentials, request, userAgent),
    ...(request.signal && { signal: request.signal }),
    ...(endpoint.caPem !== undefined && { ca: endpoint.caPem }),
    ...(endpoint.serverName !== undefined && { servername: endpoint.serverName }),
    ...(endpoint.isServerUnverified === true && { rejectUnauthorized: false }),
    ...(clientCertificate && {
      cert: clientCertificate.certificatePem,
      key: clientCertificate.keyPem.reveal(),
    }),
  };
}

function headersOf(
  { bearerToken }: ApiCredentials,
  { contentType = JSON_TYPE, accept }: ApiRequest,
  userAgent: string,
  body?: string,
): Readonly<Record<string, string | number>> {
  return {
    accept: accept === undefined ? JSON_TYPE : `${accept},${JSON_TYPE}`,
    "user-agent": userAgent,
    ...(bearerToken !== undefined && { authorization: `Bearer ${bearerToken.reveal()}` }),
    ...(body !== undefined && { "content-type": contentType, "content-length": Buffer.byteLength(body) }),
  };
}

function urlOf(base: URL, { path, query = {} }: ApiRequest): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, "")}${path}`;
  for (const [name, values] of Object.entries(query)) {
    for (const value of [values].flat()) url.searchParams.append(name, value);
  }
  return url;
}

/** `Cannot GET /api/v1/pods`: names no body, which may hold a secret. */
function actionOf({ method = "GET", path }: ApiRequest): string {
  return `Cannot ${method} ${path}`;
}

async function textOf(response: IncomingMessage, request: ApiRequest, clock: Clock): Promise<string> {
  return (await bytesOf(response, request, clock)).toString("utf8");
}

function bytesOf(response: IncomingMessage, request: ApiRequest, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const cancel = clock.after(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, () =>
      response.destroy(new ApiSilence(`${actionOf(request)}: the answer didn't end in time`)),
    );
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => resolve(Buffer.concat(chunks)));
    response.on("error", reject);
    response.on("close", () => {
      cancel();
      reject(new ApiSilence(`${actionOf(request)}: the connection ended in the middle of the answer`));
    });
  });
}
