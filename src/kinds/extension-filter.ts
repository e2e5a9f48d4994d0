// What WasmPlugin and TrafficExtension share: a WebAssembly module, its settings, and the traffic it is for.

import type { Admission } from "./admission.ts";
import type { TypeOf } from "./schema.ts";
import { choice, list, message, struct, text, uint32 } from "./schema.ts";
import type { Findings } from "./value-rules.ts";

/** `PullPolicy` */
export const pullPolicy = choice("UNSPECIFIED_POLICY", "IfNotPresent", "Always");

/** `VmConfig` */
export const vmConfig = message({
  env: list(message({ valueFrom: choice("INLINE", "HOST"), value: text() }, { required: { name: text() } })),
});

/** What both kinds say of a module; `url` is required beside them. */
export const wasmModuleFields = {
  sha256: text(),
  imagePullPolicy: pullPolicy,
  imagePullSecret: text(),
  verificationKey: text(),
  pluginConfig: struct(),
  pluginName: text(),
  failStrategy: choice("FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"),
  vmConfig,
  type: choice("UNSPECIFIED_PLUGIN_TYPE", "HTTP", "NETWORK"),
};

/** `TrafficSelector` */
export const trafficSelector = message({
  mode: choice("UNDEFINED", "CLIENT", "SERVER", "CLIENT_AND_SERVER"),
  ports: list(message({}, { required: { number: uint32() } })),
});

export type VmConfig = TypeOf<typeof vmConfig>;
export type TrafficSelector = TypeOf<typeof trafficSelector>;

interface WasmModule {
  readonly url: string;
  readonly sha256?: string;
  readonly vmConfig?: VmConfig;
}

// Without a scheme it names an OCI image.
const moduleUrl = /^(?:(?:file|https?|oci):\/\/\S+|(?!\w+:\/\/)[\w.:@/-]+)$/;

/** Checks a module that stands at `path`. */
export function* checkWasmModule(path: string, { sha256 = "", url, vmConfig }: WasmModule): Findings {
  if (url === "") yield { code: "MLT1006", path: `${path}.url`, message: "a module needs a URL" };
  else if (!moduleUrl.test(url))
    yield { path: `${path}.url`, message: `found "${url}", wanted a URL of http, https, file or oci` };
  if (sha256 !== "" && !/^[a-f0-9]{64}$/.test(sha256))
    yield { path: `${path}.sha256`, message: `"${sha256}" isn't a SHA-256 of 64 hexadecimal digits` };
  const names = new Set<string>();
  for (const [index, { name, value, valueFrom = "INLINE" }] of (vmConfig?.env ?? []).entries()) {
    const place = `${path}.vmConfig.env[${index}]`;
    if (name === "" || names.has(name))
      yield { path: `${place}.name`, message: `"${name}" is ${name === "" ? "empty" : "there twice"}` };
    names.add(name);
    if (valueFrom === "HOST" && value !== undefined)
      yield { path: `${place}.value`, message: "a value from the host can't be given inline" };
  }
}

/** For a module that stands at `path`. */
export function wasmModuleAdmission(path: string): Admission {
  return {
    [`${path}.url`]: {
      minLength: 1,
      maxLength: 4096,
      rules: [
        {
          rule: "self.contains('://') ? self.matches('^(https?|file|oci)://.+') : self.matches('^[A-Za-z0-9_.:@/-]+$')",
          message: "url must have schema one of [http, https, file, oci]",
        },
      ],
    },
    [`${path}.sha256`]: { pattern: "(^$|^[a-f0-9]{64}$)" },
    [`${path}.imagePullSecret`]: { minLength: 1, maxLength: 253 },
    [`${path}.pluginName`]: { minLength: 1, maxLength: 256 },
    [`${path}.vmConfig.env`]: { maxItems: 256 },
    [`${path}.vmConfig.env[].name`]: { minLength: 1, maxLength: 256 },
    [`${path}.vmConfig.env[]`]: {
      rules: [
        {
          rule: "!has(self.valueFrom) || self.valueFrom != 'HOST' || !has(self.value)",
          message: "value may only be set when valueFrom is INLINE",
        },
      ],
    },
  };
}
