// One document from a URL that a user wrote: bounded in time and size, and never from an address that is forbidden. Names
// are resolved here and the very address that was checked is dialed, so that a name can't change its mind in between.

import { type IncomingMessage, request } from "node:http";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectSecurely, rootCertificates } from "node:tls";
import { type AddressRules, whyForbidden } from "./forbidden-address.ts";

export interface HostTarget {
  readonly address: string;
  readonly port: number;
}

/** Where a host is; empty or rejected where nobody knows. */
export type ResolveHost = (host: string, port: number) => Promise<readonly HostTarget[]>;

export interface DocumentOptions {
  readonly resolve: ResolveHost;
  readonly addresses: AddressRules;
  /** Trusted for https beside Node's own, in PEM. */
  readonly extraRootsPem?: readonly string[];
  readonly signal: AbortSignal;
}

const MAX_BYTES = 256 * 1024;
const MAX_REDIRECTS = 3;

/** Throws a FetchFailure whose message is for the user; it never holds what was answered. */
export async function fetchDocument(text: string, options: DocumentOptions): Promise<string> {
  let url = parseUrl(text);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const answer = await get(url, options);
    if (answer.kind === "document") return answer.text;
    const next = parseUrl(answer.location, url);
    if (url.protocol === "https:" && next.protocol !== "https:")
      throw new FetchFailure(`"${url.host}" redirects from https to http`);
    url = next;
  }
  throw new FetchFailure(`more than ${MAX_REDIRECTS} redirects`);
}

export class FetchFailure extends Error {}

function parseUrl(text: string, base?: URL): URL {
  const url = tryUrl(text, base);
  if (url === undefined || url.hostname === "" || !/^https?:$/.test(url.protocol))
    throw new FetchFailure(`"${text}" isn't an http:// or https:// URL`);
  if (url.username !== "" || url.password !== "") throw new FetchFailure("a URL with a password isn't asked");
  return url;
}

function tryUrl(text: string, base: URL | undefined): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

type Answer =
  | { readonly kind: "document"; readonly text: string }
  | { readonly kind: "redirect"; readonly location: string };

async function get(url: URL, options: DocumentOptions): Promise<Answer> {
  const socket = await open(url, options);
  try {
    const response = await answerOf(url, socket, options.signal);
    const { statusCode = 0, headers } = response;
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined)
      return { kind: "redirect", location: headers.location };
    if (statusCode < 200 || statusCode > 299)
      throw new FetchFailure(`"${url.host}" answered with HTTP status ${statusCode}`);
    return { kind: "document", text: await bodyOf(response, url, options.signal) };
  } finally {
    socket.destroy();
  }
}

function answerOf(url: URL, socket: Socket, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({
      createConnection: () => socket,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, accept: "application/json", "user-agent": "meltemi" },
      maxHeaderSize: 16 * 1024,
      signal,
    });
    call.on("response", resolve);
    call.on("error", (error) => reject(failureOf(error, url, signal)));
    call.end();
  });
}

async function bodyOf(response: IncomingMessage, url: URL, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      byteCount += chunk.length;
      if (byteCount > MAX_BYTES)
        throw new FetchFailure(`"${url.host}" answered with more than ${MAX_BYTES / 1024} KiB`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw failureOf(error, url, signal);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function open(url: URL, options: DocumentOptions): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const targets = await allowedTargets(host, port, options);
  let failure: FetchFailure | undefined;
  for (const target of targets) {
    try {
      const socket = await connected(
        connect({ host: target.address, port: target.port }),
        "connect",
        options,
      );
      return url.protocol === "https:" ? await secured(socket, host, options) : socket;
    } catch (error) {
      failure = failureOf(error, url, options.signal);
    }
  }
  throw failure ?? new FetchFailure(`"${host}" has no address`);
}

async function allowedTargets(host: string, port: number, options: DocumentOptions) {
  const targets = isIP(host) === 0 ? await resolved(host, port, options) : [{ address: host, port }];
  const allowed = targets.filter(({ address }) => whyForbidden(address, options.addresses) === undefined);
  const [first] = targets;
  if (allowed.length > 0 || first === undefined) return allowed;
  const reason = whyForbidden(first.address, options.addresses);
  const name = first.address === host ? `"${host}" is` : `"${host}" leads to ${first.address},`;
  throw new FetchFailure(`${name} ${reason}, which isn't asked`);
}

async function resolved(host: string, port: number, { resolve }: DocumentOptions) {
  try {
    return await resolve(host, port);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    throw new FetchFailure(`"${host}" can't be resolved${code === undefined ? "" : ` (${code})`}`);
  }
}

function secured(socket: Socket, host: string, options: DocumentOptions): Promise<Socket> {
  const { extraRootsPem = [] } = options;
  const secure = connectSecurely({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ["http/1.1"],
    minVersion: "TLSv1.2",
    ...(extraRootsPem.length === 0 ? {} : { ca: [...rootCertificates, ...extraRootsPem] }),
  });
  return connected(secure, "secureConnect", options);
}

function connected(socket: Socket, event: string, { signal }: DocumentOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const end = (error: unknown) => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      reject(error);
    };
    const abort = () => end(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", end);
    socket.once(event, () => {
      signal.removeEventListener("abort", abort);
      socket.off("error", end);
      resolve(socket);
    });
  });
}

function failureOf(error: unknown, url: URL, signal: AbortSignal): FetchFailure {
  if (error instanceof FetchFailure) return error;
  if (signal.aborted) return new FetchFailure(`"${url.host}" didn't answer in time`);
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return new FetchFailure(`"${url.host}" can't be asked: ${code ?? message}`);
}
