// Where the fields of Telemetry matter.

import { each, type KindSettings, yaml } from "./field-settings.ts";
import { targetSettings } from "./policy-settings.ts";

const PROVIDERS = `
apiVersion: mesh.meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { accessLogFile: /dev/stdout, extensionProviders: [{ name: some, envoyFileAccessLog: { path: /tmp/some.log } }, { name: other, envoyFileAccessLog: { path: /tmp/other.log } }] }
`;

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
    {
      fields: /customTags\.\*\.(environment|header)\.defaultValue/,
      specs: each(["some", "other"], (value) =>
        yaml(`{ tracing: [{ customTags: { some: { header: { name: some, defaultValue: ${value} } } } }] }`),
      ),
    },
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
