// Who visits: a session cookie for the cart, and the name under which somebody signed in (with no password: it's a toy).

import { randomUUID } from "node:crypto";
import type { ForwardedHeaders } from "../service/forwarded-headers.ts";
import type { Request } from "../service/http-service.ts";

export interface Visitor {
  readonly session: string;
  /** Empty for a guest. */
  readonly name: string;
  /** For calls on the visitor's behalf: `end-user` is the name. */
  readonly headers: ForwardedHeaders;
  /** Cookies to set, where they aren't yet. */
  readonly newCookies: readonly string[];
}

export function visitorOf({ message, forwarded }: Request): Visitor {
  const cookies = parseCookies(message.headers.cookie ?? "");
  const known = cookies.get("session");
  const session = known ?? randomUUID();
  const name = forwarded["end-user"] ?? plainName(cookies.get("user") ?? "");
  return {
    session,
    name,
    headers: name === "" ? forwarded : { ...forwarded, "end-user": name },
    newCookies: known === undefined ? [cookie("session", session)] : [],
  };
}

export function signIn(name: string): string {
  return cookie("user", plainName(name));
}

function cookie(name: string, value: string): string {
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax`;
}

/** Letters, digits and dashes only, as it becomes a header. */
function plainName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "")
    .slice(0, 30);
}

function parseCookies(header: string): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const part of header.split(";")) {
    const [name = "", value = ""] = part.trim().split("=");
    if (name !== "") cookies.set(name, value);
  }
  return cookies;
}
