// Admission webhooks over HTTPS: what the API server asks at /inject and /validate. It trusts nobody who calls: bodies
// are bounded, all of them together too, and what can't be read is answered, never thrown.

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Socket } from "node:net";
import { systemClock } from "../core/clock.ts";
import { ConnectionBudget } from "../core/connection-budget.ts";
import { startListening } from "../core/listening.ts";
import type { Logger } from "../core/logger.ts";
import { quoted } from "../core/quoted.ts";
import type { Redacted } from "../core/redacted.ts";
import type { InjectionSettings } from "../inject/injection-settings.ts";
import {
  type AdmissionRequest,
  formatAdmissionReview,
  parseAdmissionReview,
  type Verdict,
} from "./admission-review.ts";
import { injectionPlace } from "./injection-place.ts";
import { isDeeperThan } from "./json-depth.ts";
import { createBodyReader, type ReadBody } from "./read-body.ts";
import { type ProblemsBesideOthers, reviewedKind, reviewObject } from "./review-object.ts";
import { reviewPod } from "./review-pod.ts";

export interface WebhookServerOptions {
  readonly log: Logger;
  readonly certificate: WebhookCertificate;
  /** For a pod of the namespace; undefined while the mesh's configuration isn't known yet. */
  readonly injectionSettings: (namespace: string) => InjectionSettings | undefined;
  /** Of objects as they are submitted; what it says is a warning. */
  readonly problemsBesideOthers?: ProblemsBesideOthers;
  /** Called for every review; a metrics room may stand behind it. */
  readonly events?: WebhookServerEvents;
  /** Of one review, which may hold two versions of an object; 8 MiB unless given. */
  readonly maxBodyBytes?: number;
}

export interface WebhookServerEvents {
  /** `skipped`: the pod wants no sidecar. */
  injection(outcome: "injected" | "skipped" | "failed", durationMs: number): void;
  validation(
    object: { readonly group: string; readonly version: string; readonly resource: string },
    outcome: "passed" | "failed",
  ): void;
}

export interface WebhookCertificate {
  readonly chainPem: string;
  readonly keyPem: Redacted<string>;
}

export interface WebhookServer {
  /** Resolves with the port, which is another one where 0 was asked for. */
  listen(port: number, host?: string): Promise<number>;
  /** For connections from now on. */
  updateCertificate(certificate: WebhookCertificate): void;
  /** Lets the reviews in flight end. */
  close(): Promise<void>;
}

const DEFAULT_MAX_BODY_BYTES = 8 * 1024 * 1024;
const MAX_BODY_BYTES_IN_FLIGHT = 64 * 1024 * 1024;
/**
 * An API server has 200 changes in flight at the most by default, each on a connection of its own: as many addresses may be
 * API servers as fit. One that has sent no complete request is a stranger, as is everybody else who may reach the port.
 */
const CONNECTION_LIMITS = {
  maxConnections: 1_024,
  maxUnproven: 768,
  maxPerAddress: 400,
  proofTimeoutMs: 15_000,
};
const HANDSHAKE_TIMEOUT_MS = 10_000;
// Of lists and objects within each other; no object of Kubernetes comes near.
const MAX_DEPTH = 500;
// The API server waits 30 s for a webhook at the most.
const REQUEST_TIMEOUT_MS = 30_000;
const REQUEST_CHECK_MS = 5_000;

export function createWebhookServer(options: WebhookServerOptions): WebhookServer {
  const { log, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
  const readBody = createBodyReader({ maxBodyBytes, maxBytesInFlight: MAX_BODY_BYTES_IN_FLIGHT });
  const budget = new ConnectionBudget(CONNECTION_LIMITS, { clock: systemClock, log });
  const server = createServer(
    {
      ...tlsOf(options.certificate),
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: REQUEST_CHECK_MS,
    },
    (request, response) => {
      answer(request, { options, readBody, budget }).then(
        (reply) => send(response, reply),
        (error: unknown) => {
          log.error({ url: request.url, error }, "webhook failed");
          send(response, { status: 500, body: { error: "The control plane failed to answer" } });
        },
      );
    },
  );
  // Before TLS has its turn, which costs far more than a connection that is closed.
  server.prependListener("connection", (socket: Socket) => void budget.admit(socket));
  return {
    async listen(port, host) {
      await startListening(server, { port, ...(host !== undefined && { host }) }, log);
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : port;
    },
    updateCertificate: (certificate) => server.setSecureContext(tlsOf(certificate)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

function tlsOf({ chainPem, keyPem }: WebhookCertificate) {
  return { cert: chainPem, key: keyPem.reveal(), minVersion: "TLSv1.2" as const };
}

interface Reply {
  readonly status: number;
  readonly body: object;
}

interface Answering {
  readonly options: WebhookServerOptions;
  readonly readBody: ReadBody;
  readonly budget: ConnectionBudget;
}

async function answer(request: IncomingMessage, { options, readBody, budget }: Answering): Promise<Reply> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const review = reviewerOf(path, options);
  if (review === undefined) return refusal(404, `There is nothing at ${quoted(path)}`);
  if (request.method !== "POST") return refusal(405, "Only POST is answered here");
  const contentType = request.headers["content-type"] ?? "";
  if (!/^application\/json\s*(;|$)/i.test(contentType)) return refusal(415, "Only application/json is read");
  const body = await readBody(request);
  if (body.kind === "refused") return refusal(body.status, body.reason);
  if (isDeeperThan(body.bytes, MAX_DEPTH))
    return refusal(400, `The body is nested deeper than ${MAX_DEPTH} levels`);
  budget.admissionOf(request.socket)?.proven();
  const asked = parseAdmissionReview(parseJson(body.bytes));
  if (asked === undefined) return refusal(400, "The body isn't an AdmissionReview of admission.k8s.io/v1");
  const verdict = await review(asked);
  return verdict === undefined
    ? refusal(400, "The object isn't one that this webhook reviews")
    : { status: 200, body: formatAdmissionReview(asked, verdict) };
}

function reviewerOf(
  path: string,
  { injectionSettings, problemsBesideOthers, events, log }: WebhookServerOptions,
): ((request: AdmissionRequest) => Verdict | Promise<Verdict> | undefined) | undefined {
  if (path === "/validate")
    return async (request) => {
      const verdict = await reviewObject(request, problemsBesideOthers);
      const reviewed = reviewedKind(request);
      if (reviewed !== undefined)
        events?.validation(reviewed, verdict.kind === "denied" ? "failed" : "passed");
      return verdict;
    };
  const place = injectionPlace(path);
  if (place === undefined) return undefined;
  return (request) => {
    const settings = injectionSettings(request.namespace);
    if (settings === undefined)
      return { kind: "denied", message: "Cannot inject the sidecar: the control plane is still starting" };
    const environment = { ...settings.environment, ...place.environment };
    const startMs = performance.now();
    const verdict = reviewPod(request, { ...settings, ...place, environment });
    if (verdict !== undefined) events?.injection(outcomeOf(verdict), performance.now() - startMs);
    log.debug({ namespace: request.namespace, verdict: verdict?.kind }, "pod reviewed");
    return verdict;
  };
}

function outcomeOf(verdict: Verdict): "injected" | "skipped" | "failed" {
  if (verdict.kind === "denied") return "failed";
  return (verdict.patch ?? []).length > 0 ? "injected" : "skipped";
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

function refusal(status: number, error: string): Reply {
  return { status, body: { error } };
}

function send(response: ServerResponse, { status, body }: Reply): void {
  if (response.destroyed || response.headersSent) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    // The rest of a body that was refused would be taken for the next request.
    ...(status === 413 || status === 429 ? { connection: "close" } : {}),
  });
  response.end(text);
}
