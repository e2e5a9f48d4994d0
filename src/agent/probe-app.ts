// Asks the app one probe through a dialer. It never rejects: whatever goes wrong is a failed probe and its reason.

import { connect as connectHttp2, constants } from "node:http2";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { timerMs } from "../core/clock.ts";
import type { AppDialer } from "./app-dialer.ts";
import type { AppProber } from "./app-prober.ts";
import { requestOverSocket } from "./http-over-socket.ts";

export interface ProbeOutcome {
  readonly isSuccess: boolean;
  /** For status and logs, such as `HTTP 503`. */
  readonly message: string;
  readonly httpStatus?: number;
}

export async function probeApp(prober: AppProber, dialer: AppDialer): Promise<ProbeOutcome> {
  const timeoutMs = timerMs(Math.max(1, prober.timeoutSeconds ?? 1));
  try {
    if (prober.httpGet !== undefined) return await probeHttp(prober.httpGet, dialer, timeoutMs);
    if (prober.tcpSocket !== undefined) return await probeTcp(prober.tcpSocket.port, dialer, timeoutMs);
    if (prober.grpc !== undefined) return await probeGrpc(prober.grpc, dialer, timeoutMs);
    return { isSuccess: false, message: "the probe asks nothing that the agent can" };
  } catch (error) {
    return { isSuccess: false, message: error instanceof Error ? error.message : String(error) };
  }
}

// Kubelet reads 10 kB at most.
const MAX_BODY_BYTES = 10_240;

async function probeHttp(
  action: NonNullable<AppProber["httpGet"]>,
  dialer: AppDialer,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const port = Number(action.port);
  const socket = await dialer.dial(port, timeoutMs);
  const connection = action.scheme === "HTTPS" ? await upgradeToTls(socket, timeoutMs) : socket;
  const given = (action.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value]);
  const headers = {
    host: `localhost:${port}`,
    "user-agent": "kube-probe/1.36",
    ...Object.fromEntries(given),
  };
  const path = action.path === undefined || action.path === "" ? "/" : action.path;
  try {
    const request = { via: { connection }, path, headers, timeoutMs, maxBytes: MAX_BODY_BYTES };
    const { status } = await requestOverSocket(request);
    return { isSuccess: status >= 200 && status < 400, message: `HTTP ${status}`, httpStatus: status };
  } finally {
    connection.destroy();
  }
}

/** Kubelet doesn't verify certificates of probes either. */
function upgradeToTls(socket: Socket, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({ socket, rejectUnauthorized: false }, () => {
      secure.setTimeout(0);
      resolve(secure);
    });
    secure.setTimeout(timeoutMs, () => secure.destroy(new Error(`no TLS within ${timeoutMs} ms`)));
    secure.once("error", reject);
  });
}

async function probeTcp(port: number, dialer: AppDialer, timeoutMs: number): Promise<ProbeOutcome> {
  const socket = await dialer.dial(port, timeoutMs);
  socket.destroy();
  return { isSuccess: true, message: "connected" };
}

const HEALTH_PATH = "/grpc.health.v1.Health/Check";
const SERVING = 1;

async function probeGrpc(
  action: NonNullable<AppProber["grpc"]>,
  dialer: AppDialer,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const socket = await dialer.dial(action.port, timeoutMs);
  try {
    const status = await checkHealth(socket, action.service ?? "", timeoutMs);
    const isSuccess = status === SERVING;
    return { isSuccess, message: isSuccess ? "SERVING" : `gRPC health ${status ?? "unknown"}` };
  } finally {
    socket.destroy();
  }
}

/** The `status` of grpc.health.v1.HealthCheckResponse; undefined when the call ended without a response. */
function checkHealth(socket: Socket, service: string, timeoutMs: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2("http://localhost", { createConnection: () => socket });
    session.once("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": HEALTH_PATH,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    stream.setTimeout(timeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
    stream.once("error", reject);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("close", () => {
      session.close();
      resolve(readHealthStatus(Buffer.concat(chunks)));
    });
    stream.end(encodeHealthRequest(service));
  });
}

// The two messages of grpc.health.v1 are one field each; a length-prefixed gRPC frame is five bytes before them.
function encodeHealthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length > MAX_SERVICE_BYTES)
    throw new Error(`the service's name is longer than ${MAX_SERVICE_BYTES} bytes`);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

// What a length of one byte can say.
const MAX_SERVICE_BYTES = 127;

function readHealthStatus(frame: Buffer): number | undefined {
  if (frame.length < 5) return undefined;
  // An empty message is UNKNOWN (0); otherwise field 1, a varint.
  return frame.length === 5 ? 0 : frame[5] === 0x08 ? frame[6] : undefined;
}
