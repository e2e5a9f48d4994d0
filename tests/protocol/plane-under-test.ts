// A control plane that serves real streams, and proxies on these that take or refuse what they are sent as a test says.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { noAuthenticator } from "../../src/identity/authenticator.ts";
import { keyOf } from "../../src/model/sources.ts";
import { createControlPlane } from "../../src/plane/create-control-plane.ts";
import { requireIdentity } from "../../src/serving/authenticated-backend.ts";
import { typeUrlOf } from "../../src/xds/resource-type.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import { objectsOf } from "../support/mesh-fixture.ts";
import { type DeltaRequest, openDelta, type TokenCredentials } from "./ads-client.ts";

/** `adsPath`: a unix socket on which it serves too. */
export async function startPlane(t: TestContext, { adsPath }: { readonly adsPath?: string } = {}) {
  const plane = createControlPlane({ clock: systemClock, log: silentLogger });
  t.after(() => plane.intake.close());
  const apply = (...texts: string[]) => {
    plane.intake.change(
      objectsOf(texts.join("---")).map((object) => ({ object, key: keyOf(object) })),
      [],
    );
    plane.intake.flush();
  };
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: () => 0.5 });
  t.after(() => server.close());
  const backend = requireIdentity(plane.fleet, noAuthenticator);
  const xds = createXdsServer(backend, { clock: systemClock, log: silentLogger });
  const endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const methods = xds.methods({ servesSecrets: false });
  const { port = 0 } = await server.listen(endpoint, { methods });
  if (adsPath !== undefined) await server.listen({ kind: "unix", path: adsPath }, { methods });
  return { plane, apply, port };
}

export function nodeOf(name: string) {
  return {
    id: `sidecar~10.0.0.1~${name}.shop~shop.svc.cluster.local`,
    metadata: { NAMESPACE: "shop" },
    userAgentVersionType: {
      case: "userAgentBuildVersion" as const,
      value: { version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
    },
  };
}

export type ProxyType = "cluster" | "listener" | "route" | "extension-config";

export interface ProxyOptions {
  readonly name: string;
  /** Else a sidecar of this name in the namespace `shop`. */
  readonly node?: NonNullable<DeltaRequest["node"]>;
  readonly credentials?: TokenCredentials;
  /** What it asks for: names, or all of a type. */
  readonly wants: Readonly<Partial<Record<ProxyType, readonly string[] | "all">>>;
  /** Why it refuses a response, if it does; asked with each of its resources. */
  readonly refuses?: (resource: { readonly name: string; readonly text: string }) => string | undefined;
}

export interface TestProxy {
  /** What it has in use, as text, by type and name. */
  readonly inUse: ReadonlyMap<string, string>;
  /** Each response, with what was said to it. */
  readonly responses: readonly ProxyResponse[];
  /** Resolves when `holds`; fails after a while. */
  until(what: string, holds: () => boolean): Promise<void>;
}

export interface ProxyResponse {
  readonly type: string;
  readonly names: readonly string[];
  readonly removed: readonly string[];
  readonly refusal: string | undefined;
}

/** It takes a response as a whole or not at all, as Envoy does with route tables. */
export function startProxy(t: TestContext, port: number, options: ProxyOptions): TestProxy {
  const client = openDelta(t, port, options.credentials);
  const inUse = new Map<string, string>();
  const responses: ProxyResponse[] = [];
  const types = Object.entries(options.wants) as [ProxyType, readonly string[] | "all"][];
  const node = options.node ?? nodeOf(options.name);
  for (const [type, names] of types) {
    client.send({
      node,
      typeUrl: typeUrlOf(type),
      resourceNamesSubscribe: names === "all" ? [] : [...names],
    });
  }
  const answer = async () => {
    for (;;) {
      const { typeUrl, nonce, resources, removedResources } = await client.next();
      const type = types.find(([each]) => typeUrlOf(each) === typeUrl)?.[0] ?? "";
      const texts = resources.map(({ name, resource }) => ({
        name,
        text: Buffer.from(resource?.value ?? []).toString("latin1"),
      }));
      const refusal = texts.map((each) => options.refuses?.(each)).find((each) => each !== undefined);
      responses.push({ type, names: texts.map(({ name }) => name), removed: removedResources, refusal });
      for (const name of removedResources) inUse.delete(`${type} ${name}`);
      if (refusal === undefined) for (const { name, text } of texts) inUse.set(`${type} ${name}`, text);
      client.send({
        typeUrl,
        responseNonce: nonce,
        ...(refusal === undefined ? {} : { errorDetail: { code: 13, message: refusal } }),
      });
    }
  };
  void answer();
  return { inUse, responses, until: (what, holds) => until(() => `${what}: ${describe(responses)}`, holds) };
}

function describe(responses: readonly ProxyResponse[]): string {
  return responses.map((each) => JSON.stringify(each)).join("\n");
}

export async function until(what: () => string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`Never ${what()}`);
}
