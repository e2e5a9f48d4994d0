// What of tags of spans, and of servers that take them, Envoy would refuse with the whole listener.

import type { ExtensionProvider, HttpHeader } from "./mesh-config/extension-provider.ts";
import type { Findings } from "./value-rules.ts";
import { checkDuration, checkHeaderName } from "./value-rules.ts";

interface WrittenTag {
  readonly literal?: { readonly value?: string };
  readonly environment?: { readonly name?: string };
  readonly header?: { readonly name?: string };
  readonly formatter?: { readonly value?: string };
}

/** Each has one source, which isn't empty. */
export function* checkTraceTags(path: string, tags: Readonly<Record<string, WrittenTag>> = {}): Findings {
  for (const [name, { literal, environment, header, formatter }] of Object.entries(tags)) {
    const place = `${path}.${name}`;
    if (name === "") yield { path, message: "a tag's name is empty" };
    const [source] = [literal, environment, header, formatter].filter((each) => each !== undefined);
    if (source === undefined)
      yield { path, message: `tag "${name}" needs literal, environment, header or formatter` };
    yield* checkNotEmpty(`${place}.literal.value`, literal?.value);
    yield* checkNotEmpty(`${place}.environment.name`, environment?.name);
    yield* checkNotEmpty(`${place}.formatter.value`, formatter?.value);
    if (header !== undefined) yield* checkHeaderName(`${place}.header.name`, header.name ?? "");
  }
}

function* checkNotEmpty(path: string, text: string | undefined): Findings {
  if (text === "") yield { code: "MLT1006", path, message: "found nothing, wanted a text" };
}

/** Names and values of headers that go with spans, and how long sending them may take. */
export function* checkTracer(path: string, { zipkin, opentelemetry }: ExtensionProvider): Findings {
  const services = [
    { place: "zipkin", ...zipkin },
    { place: "opentelemetry.http", ...opentelemetry?.http },
    { place: "opentelemetry.grpc", ...opentelemetry?.grpc },
    {
      place: "opentelemetry.dynatraceSampler.httpService.http",
      ...opentelemetry?.dynatraceSampler?.httpService?.http,
    },
  ];
  for (const { place, ...service } of services) {
    const { timeout, headers, initialMetadata } = service as {
      readonly timeout?: string;
      readonly headers?: readonly HttpHeader[];
      readonly initialMetadata?: readonly HttpHeader[];
    };
    yield* checkDuration(`${path}.${place}.timeout`, timeout);
    yield* checkHeaders(`${path}.${place}.headers`, headers);
    yield* checkHeaders(`${path}.${place}.initialMetadata`, initialMetadata);
  }
}

function* checkHeaders(path: string, headers: readonly HttpHeader[] = []): Findings {
  for (const [index, { name = "", value = "" }] of headers.entries()) {
    yield* checkHeaderName(`${path}[${index}].name`, name);
    // It may be a token, so it isn't quoted.
    if (/[\0\r\n]/.test(value))
      yield { path: `${path}[${index}].value`, message: "a header's value has one line, and no zero bytes" };
  }
}
