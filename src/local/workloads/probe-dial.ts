// Asks a pod for its health over the network: HTTP, TCP or gRPC. One question, one answer, never a throw.

import { Buffer } from "node:buffer";
import { request as requestHttp } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect as connectTcp } from "node:net";
import type { Container } from "../../kinds/pod/container.ts";
import type { HttpGetAction } from "../../kinds/pod/probe.ts";
import type { ProbeOutcome } from "./probe-loop.ts";

export interface DialTarget {
  readonly ip: string;
  readonly timeoutMs: number;
}

/** Success is a status from 200 to 399, as for kubelet. */
export function dialHttp(
  action: HttpGetAction & { readonly port: number },
  { ip, timeoutMs }: DialTarget,
): Promise<ProbeOutcome> {
  const isTls = action.scheme === "HTTPS";
  const headers: Record<string, string> = { "user-agent": "kube-probe/1.36", accept: "*/*" };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const options = {
    host: action.host ?? ip,
    port: action.port,
    path: action.path ?? "/",
    headers,
    agent: false,
  };
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    // The certificate isn't checked, as kubelet doesn't.
    const request = isTls
      ? requestHttps({ ...options, rejectUnauthorized: false, signal })
      : requestHttp({ ...options, signal });
    request.on("response", (response) => {
      const status = response.statusCode ?? 0;
      response.destroy();
      resolve({ isSuccess: status >= 200 && status < 400, message: `HTTP ${status}` });
    });
    request.on("error", (cause) => resolve(failure(cause, { timeoutMs, isTimeout: signal.aborted })));
    request.end();
  });
}

export function dialTcp(port: number, { ip, timeoutMs }: DialTarget): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: ip, port });
    const finish = (outcome: ProbeOutcome) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(timeoutMs, () => finish(failure(undefined, { timeoutMs, isTimeout: true })));
    socket.on("connect", () => finish({ isSuccess: true, message: "connected" }));
    socket.on("error", (cause) => finish(failure(cause, { timeoutMs, isTimeout: false })));
  });
}

const HEALTH_SERVING = 1;

/** grpc.health.v1.Health/Check, written by hand: one string out, one enum back. */
export function dialGrpc(
  action: { readonly port: number; readonly service?: string },
  { ip, timeoutMs }: DialTarget,
): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://${ip}:${action.port}`);
    const timer = setTimeout(() => finish(failure(undefined, { timeoutMs, isTimeout: true })), timeoutMs);
    const finish = (outcome: ProbeOutcome) => {
      clearTimeout(timer);
      session.destroy();
      resolve(outcome);
    };
    session.on("error", (cause) => finish(failure(cause, { timeoutMs, isTimeout: false })));
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    stream.on("error", (cause) => finish(failure(cause, { timeoutMs, isTimeout: false })));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => finish(grpcOutcome(Buffer.concat(chunks))));
    stream.end(healthRequest(action.service ?? ""));
  });
}

function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const body = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function grpcOutcome(frame: Buffer): ProbeOutcome {
  // Five bytes of gRPC frame, then field 1 as a varint: 0x08 STATUS.
  const status = frame.length >= 7 && frame[5] === 0x08 ? (frame[6] ?? 0) : 0;
  return { isSuccess: status === HEALTH_SERVING, message: `gRPC health status ${status}` };
}

function failure(cause: unknown, end: { timeoutMs: number; isTimeout: boolean }): ProbeOutcome {
  if (end.isTimeout) return { isSuccess: false, message: `no answer within ${end.timeoutMs} ms` };
  return { isSuccess: false, message: cause instanceof Error ? cause.message : String(cause) };
}

/** A port by number, or by the name that the container gives it; undefined where it gives none. */
export function probePort(container: Container, port: number | string): number | undefined {
  if (typeof port === "number") return port;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find((candidate) => candidate.name === port)?.containerPort;
}
