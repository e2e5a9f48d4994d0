// The call that `meltemi authz can-i` is asked about, from its arguments: `[METHOD] URL` and the headers of the request.

import { readFile } from "node:fs/promises";
import { type CommandInput, listArgument, listOption, textOption } from "../command.ts";
import { CommandFailure, exitCodes } from "../exit-code.ts";

export interface AskedCall {
  /** As it was typed. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Absent for a connection of bytes. */
  readonly request?: AskedRequest;
  /** Within the caller's own TLS, of `https://`: a gateway may open that, and no other proxy does. */
  readonly tlsRequest?: AskedRequest;
  /** More was said of the request within TLS than its URL. */
  readonly isTlsRequestSaid?: true;
}

export interface AskedRequest {
  readonly method: string;
  readonly authority: string;
  /** With its query, unchanged: how it is spelled may matter. */
  readonly path: string;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

const FORM = /^(https?|tcp):\/\/(\[[^\]]+\]|[^/:?#@]+)(?::(\d{1,5}))?([/?#].*)?$/i;
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

export async function readAskedCall(input: CommandInput): Promise<AskedCall> {
  const words = listArgument(input, 0);
  const url = words.at(-1) ?? "";
  const [, scheme = "", host = "", port, rest = ""] = FORM.exec(url) ?? [];
  const isTcp = scheme.toLowerCase() === "tcp";
  if (host === "" || words.length > 2 || (isTcp && (port === undefined || rest !== ""))) {
    const message = `Cannot read the call "${words.join(" ")}": wanted METHOD http://HOST[:PORT]/PATH, or tcp://HOST:PORT`;
    throw new CommandFailure(
      exitCodes.usage,
      message,
      "for example: meltemi authz can-i --as shop/web GET http://reviews/",
    );
  }
  const isHttp = scheme.toLowerCase() === "http";
  const number = Number(port ?? (isHttp ? HTTP_PORT : HTTPS_PORT));
  const place = { url, host: host.replace(/^\[(.*)\]$/, "$1"), port: number };
  const headers = await readHeaders(input);
  const isSaid = headers.size > 0 || words.length > 1;
  if (isTcp && isSaid) throw noRequests(url);
  if (isTcp) return place;
  const usual = isHttp ? HTTP_PORT : HTTPS_PORT;
  const authority = headers.get("host") ?? (number === usual ? host : `${host}:${number}`);
  headers.delete("host");
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  const method = words.length > 1 ? (words[0] ?? "") : "GET";
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) {
    throw new CommandFailure(exitCodes.usage, `Cannot read the method "${method}"`);
  }
  const request = { method, authority, path, headers };
  if (isHttp) return { ...place, request };
  return { ...place, tlsRequest: request, ...(isSaid && { isTlsRequestSaid: true }) };
}

/** As whoever doesn't open TLS sees it. */
export function withoutTlsRequest(call: AskedCall): AskedCall {
  if (call.isTlsRequestSaid) throw noRequests(call.url);
  const { tlsRequest: _, ...bytes } = call;
  return bytes;
}

function noRequests(url: string): CommandFailure {
  const message = `Cannot ask for requests of ${url}: proxies see a connection of bytes, without methods and headers`;
  return new CommandFailure(exitCodes.usage, message);
}

async function readHeaders(input: CommandInput): Promise<Map<string, string>> {
  const headers = new Map<string, string>();
  for (const text of listOption(input, "header")) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      throw new CommandFailure(exitCodes.usage, `Cannot read the header "${text}": wanted "NAME: VALUE"`);
    }
    const before = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), before === undefined ? value.trim() : `${before},${value.trim()}`);
  }
  const token = textOption(input, "jwt");
  if (token !== undefined) headers.set("authorization", `Bearer ${await readToken(token)}`);
  return headers;
}

/** `@FILE` keeps it out of the shell's history and the list of processes. */
async function readToken(text: string): Promise<string> {
  if (!text.startsWith("@")) return text.trim();
  try {
    return (await readFile(text.slice(1), "utf8")).trim();
  } catch (error) {
    const message = `Cannot read the token in "${text.slice(1)}": ${(error as Error).message}`;
    throw new CommandFailure(exitCodes.usage, message);
  }
}
