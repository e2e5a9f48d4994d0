// What an API server is to check of a kind's fields beside their types: bounds, patterns and rules in CEL, by path.
// The rules for files and the webhook see more; these refuse what no webhook need be asked about.

export interface AdmissionRule {
  /** CEL over `self`. Its cost is bounded by the sizes around it: a list of any length allows no rule. */
  readonly rule: string;
  readonly message: string;
}

/** JSON Schema's words of the same names, and rules. */
export interface Constraint {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly rules?: readonly AdmissionRule[];
}

/** By path: `spec.hosts`, each of its items `spec.hosts[]`, each value of a map `spec.ports.*`. */
export type Admission = Readonly<Record<string, Constraint>>;

/** At most one of these fields of `self` may be set. */
export function atMostOne(message: string, ...names: readonly string[]): AdmissionRule {
  return { rule: `${names.map((name) => `(has(self.${name}) ? 1 : 0)`).join(" + ")} <= 1`, message };
}

export const portRule: AdmissionRule = {
  rule: "0 < self && self <= 65535",
  message: "port must be between 1-65535",
};

const keyRules: readonly AdmissionRule[] = [
  { rule: "self.all(key, size(key) != 0)", message: "key must not be empty" },
  { rule: "self.all(key, !key.contains('*'))", message: "wildcard not allowed in label key match" },
  { rule: "self.all(key, !self[key].contains('*'))", message: "wildcard not allowed in label value match" },
];

/** The labels that a selector at `path` wants. */
export function selectorAdmission(path: string): Admission {
  return { [path]: { maxProperties: 4096, rules: keyRules }, [`${path}.*`]: { maxLength: 63 } };
}

/** Ports by name, in the map at `path`. */
export function namedPortsAdmission(path: string): Admission {
  const rule = "self.all(key, size(key) < 63 && key.matches('^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$'))";
  return {
    [path]: { maxProperties: 128, rules: [{ rule, message: "port name must be valid" }] },
    [`${path}.*`]: { rules: [portRule] },
  };
}

/** References to what a policy is for: one at `spec.targetRef`, several at `spec.targetRefs`. */
export function targetAdmission(...names: readonly ("targetRef" | "targetRefs")[]): Admission {
  return Object.assign(
    {},
    ...names.map((name) => {
      const path = name === "targetRef" ? "spec.targetRef" : "spec.targetRefs[]";
      return {
        ...(name === "targetRef" ? {} : { "spec.targetRefs": { maxItems: 16 } }),
        [`${path}.group`]: { maxLength: 253 },
        [`${path}.kind`]: { minLength: 1, maxLength: 63, pattern: "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$" },
        [`${path}.name`]: { minLength: 1, maxLength: 253 },
        [`${path}.namespace`]: {
          rules: [
            { rule: "size(self) == 0", message: "cross namespace referencing is not currently supported" },
          ],
        },
      };
    }),
  );
}
