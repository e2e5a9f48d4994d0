// Requests to the API server over HTTP/1.1 with kept connections. It knows paths and JSON, no kind and no retry,
// but for one: credentials that are refused are read anew.

import type { IncomingMessage, RequestOptions } from "node:http";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Clock } from "../core/clock.ts";
import type { ApiCredentials, ApiEndpoint } from "./api-endpoint.ts";
import { apiErrorOf, isApiError } from "./api-error.ts";

export interface ApiRequest {
  /** GET unless given. */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of the body; `application/json` unless given. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** For the whole answer, or until a stream begins; 30 s unless given. */
  readonly timeoutMs?: number;
}

export interface ApiClient {
  /** The parsed answer. Throws ApiError for a refusal, and whatever the connection threw. */
  request(request: ApiRequest): Promise<unknown>;
  /** An answer that goes on: a watch or a log. Throws as `request` does. */
  open(request: ApiRequest): Promise<IncomingMessage>;
  /** Ends idle connections; a request in flight ends by its own signal. */
  close(): void;
}

export interface ApiClientOptions {
  readonly clock: Clock;
  /** How the server's audit log names us. */
  readonly userAgent: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const JSON_TYPE = "application/json";

export function createApiClient(endpoint: ApiEndpoint, options: ApiClientOptions): ApiClient {
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
        sent.destroy(new Error(`${actionOf(request)}: no answer in time`)),
      );
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
  const openAgain = async (request: ApiRequest): Promise<IncomingMessage> => {
    try {
      return await open(request);
    } catch (error) {
      if (!isApiError(error, 401)) throw error;
      endpoint.forgetCredentials();
      return open(request);
    }
  };
  return {
    open: openAgain,
    request: async (request) => {
      const text = await textOf(await openAgain(request), request, options.clock);
      return text === "" ? undefined : JSON.parse(text);
    },
    close: () => agent.destroy(),
  };
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
  { contentType = JSON_TYPE }: ApiRequest,
  userAgent: string,
  body?: string,
): Readonly<Record<string, string | number>> {
  return {
    accept: JSON_TYPE,
    "user-agent": userAgent,
    ...(bearerToken !== undefined && { authorization: `Bearer ${bearerToken.reveal()}` }),
    ...(body !== undefined && { "content-type": contentType, "content-length": Buffer.byteLength(body) }),
  };
}

function urlOf(base: URL, { path, query = {} }: ApiRequest): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, "")}${path}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** `Cannot GET /api/v1/pods`: names no body, which may hold a secret. */
function actionOf({ method = "GET", path }: ApiRequest): string {
  return `Cannot ${method} ${path}`;
}

function textOf(response: IncomingMessage, request: ApiRequest, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const cancel = clock.after(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, () =>
      response.destroy(new Error(`${actionOf(request)}: the answer didn't end in time`)),
    );
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    response.on("error", reject);
    response.on("close", () => {
      cancel();
      reject(new Error(`${actionOf(request)}: the connection ended in the middle of the answer`));
    });
  });
}
