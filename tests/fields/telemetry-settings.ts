// Where the fields of Telemetry matter.

import { each, type KindSettings, yaml } from "./field-settings.ts";
import { targetSettings } from "./policy-settings.ts";

const PROVIDERS = `
apiVersion: mesh.meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { accessLogFile: /dev/stdout, extensionProviders: [{ name: some, envoyFileAccessLog: { path: /tmp/some.log } }, { name: other, envoyFileAccessLog: { path: /tmp/other.log } }] }
`;

const TRACERS = `
apiVersion: mesh.meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { extensionProviders: [{ name: some, zipkin: { service: web.shop.svc.cluster.local, port: 80 } }, { name: other, opentelemetry: { service: web.shop.svc.cluster.local, port: 80 } }] }
`;

const tracing = (entry: string) => yaml(`{ tracing: [{ ${entry} }] }`);

const accessLogging = (entry: string) => yaml(`{ accessLogging: [{ ${entry} }] }`);

export const telemetrySettings: KindSettings = {
  kind: "Telemetry",
  apiVersion: "telemetry.istio.io/v1",
  metadata: { name: "logs", namespace: "shop" },
  spec: accessLogging("providers: [{ name: some }]"),
  settings: [
    ...targetSettings("accessLogging: [{ providers: [{ name: some }] }]").map((setting) => ({
      ...setting,
      beside: `${setting.beside ?? ""}---${PROVIDERS}`,
    })),
    {
      fields: /selector/,
      specs: each(["web", "nobody"], (app) =>
        yaml(
          `{ selector: { matchLabels: { app: ${app} } }, accessLogging: [{ providers: [{ name: some }] }] }`,
        ),
      ),
      beside: PROVIDERS,
    },
    ...(["literal", "environment", "header", "formatter"] as const).map((source) => ({
      fields: new RegExp(`customTags\\.\\*\\.${source}`),
      spec: tracing(
        `providers: [{ name: some }], customTags: { some: { ${source}: { ${source === "literal" || source === "formatter" ? "value" : "name"}: some } } }`,
      ),
      beside: TRACERS,
      values: ["some", "other"],
    })),
    { fields: /tracing\[\]\.providers\[\]\.name/, beside: TRACERS, values: ["some", "other"] },
    {
      fields: /tracing\[\]\.match\.mode/,
      spec: tracing("match: { mode: CLIENT }, providers: [{ name: some }]"),
      beside: TRACERS,
    },
    { fields: /tracing\[\]/, spec: tracing("providers: [{ name: some }]"), beside: TRACERS },
    {
      fields: /tagOverrides\.\*\.operation/,
      spec: yaml("{ metrics: [{ overrides: [{ tagOverrides: { some: { value: some } } }] }] }"),
      values: ["UPSERT"],
    },
    { fields: /providers\[\]\.name/, beside: PROVIDERS, values: ["some", "other"] },
    {
      fields: /match\.mode/,
      spec: accessLogging("match: { mode: CLIENT }, providers: [{ name: some }]"),
      beside: PROVIDERS,
    },
    {
      fields: /filter\.expression/,
      spec: accessLogging("providers: [{ name: some }]"),
      beside: PROVIDERS,
      values: ["response.code >= 500", "response.code >= 400"],
    },
    { fields: /accessLogging/, beside: PROVIDERS },
  ],
};
