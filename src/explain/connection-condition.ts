// The condition, in CEL, on which a connection of bytes is forwarded before its server may speak: as much of the language
// as the builder of these conditions writes.

import type { Config as SlotFilter } from "../gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts";
import type { Call } from "./call.ts";
import { matchesRegex } from "./string-matching.ts";
import { allOf, anyOf, type Fact, known, not, ofFact, open, type Truth } from "./truth.ts";

/** That of a slot's filter; `true` for a slot that holds none. */
export function conditionOf({ onNewConnection, onDownstreamTlsHandshake }: SlotFilter): string {
  const [value] = [...onNewConnection, ...onDownstreamTlsHandshake];
  if (value === undefined) return "true";
  const format = value.value.case === "formatString" ? value.value.value.format : undefined;
  const text = format?.case === "textFormatSource" ? format.value.specifier.value : undefined;
  return /^%CEL\((.*) \? destination\.address : '[^']*'\)%$/s.exec(String(text))?.[1] ?? "";
}

/** Open where the condition isn't of the form that the mesh writes. */
export function holdsCondition(text: string, call: Call): Truth {
  const tokens = tokensOf(text);
  return tokens === undefined ? UNREADABLE : (new ConditionReader(tokens, call).read() ?? UNREADABLE);
}

const UNREADABLE = open("an expression");

const TOKEN = /\s*(?:(&&|\|\||==|[!().])|('(?:[^'\\]|\\.)*')|([A-Za-z_]+)|([0-9]+))/y;

function tokensOf(text: string): readonly string[] | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const [token] = TOKEN.exec(text) ?? [];
    if (token === undefined) return undefined;
    tokens.push(token.trim());
  }
  return tokens;
}

class ConditionReader {
  readonly #tokens: readonly string[];
  readonly #call: Call;
  #at = 0;

  constructor(tokens: readonly string[], call: Call) {
    this.#tokens = tokens;
    this.#call = call;
  }

  read(): Truth | undefined {
    const truth = this.#list("||", anyOf, () => this.#list("&&", allOf, () => this.#unary()));
    return this.#at === this.#tokens.length ? truth : undefined;
  }

  #list(
    operator: string,
    combine: (truths: readonly Truth[]) => Truth,
    readOne: () => Truth | undefined,
  ): Truth | undefined {
    const truths: Truth[] = [];
    do {
      const truth = readOne();
      if (truth === undefined) return undefined;
      truths.push(truth);
    } while (this.#takes(operator));
    return combine(truths);
  }

  #unary(): Truth | undefined {
    if (this.#takes("!")) {
      const truth = this.#unary();
      return truth === undefined ? undefined : not(truth);
    }
    if (!this.#takes("(")) return this.#comparison();
    const truth = this.#list("||", anyOf, () => this.#list("&&", allOf, () => this.#unary()));
    return this.#takes(")") ? truth : undefined;
  }

  #comparison(): Truth | undefined {
    const first = this.#next();
    if (first === "true" || first === "false") return first === "true";
    if (!this.#takes(".")) return undefined;
    const attribute = `${first}.${this.#next()}`;
    if (this.#takes("==")) return this.#equals(attribute, this.#next());
    if (!this.#takes(".")) return undefined;
    const method = this.#next();
    if (!this.#takes("(")) return undefined;
    const argument = literalText(this.#next());
    if (argument === undefined || !this.#takes(")")) return undefined;
    return this.#texts(attribute, (text) => callMethod(method, text, argument));
  }

  #equals(attribute: string, literal: string): Truth | undefined {
    if (attribute === "destination.port") return String(this.#call.destinationPort) === literal;
    const wanted = literalText(literal);
    return wanted === undefined ? undefined : this.#texts(attribute, (text) => text === wanted);
  }

  #texts(attribute: string, holds: (text: string) => boolean | undefined): Truth | undefined {
    const found = attributeOf(attribute, this.#call);
    if (found === undefined) return undefined;
    return ofFact(found.fact, found.words, (text) => holds(text) ?? UNREADABLE);
  }

  #takes(token: string): boolean {
    const isNext = this.#tokens[this.#at] === token;
    if (isNext) this.#at += 1;
    return isNext;
  }

  #next(): string {
    this.#at += 1;
    return this.#tokens[this.#at - 1] ?? "";
  }
}

function callMethod(method: string, text: string, argument: string): boolean | undefined {
  switch (method) {
    case "startsWith":
      return text.startsWith(argument);
    case "endsWith":
      return text.endsWith(argument);
    case "matches":
      // Written for the whole text, though CEL would be content with a part.
      return matchesRegex(argument, text);
    default:
      return undefined;
  }
}

function attributeOf(name: string, call: Call): { fact: Fact<string>; words: string } | undefined {
  switch (name) {
    case "destination.address":
      return { fact: withPort(call.destinationIp, call.destinationPort), words: "the pod's address" };
    case "source.address":
      // A condition never asks for the caller's port.
      return { fact: withPort(call.sourceIp, 0), words: "the caller's address" };
    case "connection.requested_server_name":
      return { fact: call.serverName, words: "the server's name in TLS" };
    case "connection.uri_san_peer_certificate": {
      const { peer } = call;
      const names = peer.kind === "anonymous" ? known([]) : peer.names;
      const uri = names?.known.find((name) => name.includes("://")) ?? "";
      const fact = names === undefined ? undefined : known(uri);
      return { fact, words: "the caller's identity" };
    }
    default:
      return undefined;
  }
}

function withPort(ip: Fact<string>, port: number): Fact<string> {
  if (ip === undefined) return undefined;
  return known(ip.known.includes(":") ? `[${ip.known}]:${port}` : `${ip.known}:${port}`);
}

function literalText(token: string): string | undefined {
  if (!/^'.*'$/s.test(token)) return undefined;
  return token
    .slice(1, -1)
    .replaceAll(/\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/gs, (_, short, long, plain) =>
      plain === undefined ? String.fromCodePoint(Number.parseInt(short ?? long, 16)) : plain,
    );
}
