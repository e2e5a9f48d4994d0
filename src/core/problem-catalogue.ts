// Every code a Problem can have. Codes are never reused; the number's first digit after MLT says where it
// arises: 1 reading text and schemas, 2 references and meaning, 3 local runtime, 4 Envoy and xDS, 5 identity.

export type Severity = "error" | "warning" | "info";

interface CatalogueEntry {
  readonly severity: Severity;
  /** What the code means, as a heading in the docs. */
  readonly title: string;
  /** Istio's code for the same finding, where it has one. */
  readonly istio?: string;
}

const entries = {
  MLT1001: { severity: "error", title: "The text isn't valid YAML" },
  MLT1002: { severity: "error", title: "A document isn't an object of a known kind" },
  MLT1003: { severity: "error", title: "A field isn't known to its kind" },
  MLT1004: { severity: "error", title: "A field has the wrong type" },
  MLT1005: { severity: "error", title: "A value isn't allowed there" },
  MLT1006: { severity: "error", title: "A required field is missing" },
  MLT1007: { severity: "error", title: "Two objects have the same kind, namespace and name" },
  MLT1008: { severity: "error", title: "A file can't be read or is too large" },
  MLT1009: { severity: "warning", title: "A field is known but not implemented yet, and has no effect" },
  MLT1010: { severity: "info", title: "A file holds no object" },
  MLT1011: { severity: "info", title: "A kind is known but has no effect here" },
  MLT1012: { severity: "warning", title: "A broken file or object, whose last good version stays in force" },
  MLT1021: { severity: "warning", title: "An annotation of a pod has no effect" },
  MLT1022: { severity: "error", title: "A template or the configuration of injection can't be used" },
  MLT2001: { severity: "error", title: "A destination's host isn't known", istio: "IST0101" },
  MLT2002: { severity: "error", title: "A destination's subset isn't defined", istio: "IST0101" },
  MLT2003: { severity: "error", title: "A destination's port isn't one of its service's", istio: "IST0101" },
  MLT2004: {
    severity: "warning",
    title: "A destination names no port, and its service has several",
    istio: "IST0112",
  },
  MLT2005: { severity: "error", title: "A Gateway that is named doesn't exist", istio: "IST0101" },
  MLT2006: {
    severity: "error",
    title: "Several VirtualServices route one host for sidecars",
    istio: "IST0109",
  },
  MLT2007: { severity: "error", title: "A delegate doesn't exist", istio: "IST0101" },
  MLT2008: { severity: "error", title: "A delegate can't be delegated to" },
  MLT2009: {
    severity: "warning",
    title: "A DestinationRule is for a host that isn't known",
    istio: "IST0101",
  },
  MLT2010: { severity: "warning", title: "DestinationRules for one host repeat each other" },
  MLT2011: { severity: "warning", title: "A Gateway's selector finds no pod", istio: "IST0101" },
  MLT2012: {
    severity: "error",
    title: "A Gateway's Secret is missing or of the wrong form",
    istio: "IST0101",
  },
  MLT2013: {
    severity: "warning",
    title: "Services call one port of a workload by different protocols",
    istio: "IST0116",
  },
  MLT2014: { severity: "warning", title: "Several PeerAuthentications are for the same workloads" },
  MLT2015: { severity: "error", title: "A ServiceEntry's host belongs to another object" },
  MLT2016: { severity: "error", title: "A DestinationRule's Secret is missing", istio: "IST0101" },
  MLT2017: { severity: "warning", title: "A port is one that proxies listen on themselves" },
  MLT2018: { severity: "warning", title: "A delegate's rule conflicts with its root's and has no effect" },
  MLT2019: {
    severity: "error",
    title: "A gateway's ServiceAccount may not read the Secret that it is to serve",
  },
  MLT2020: { severity: "warning", title: "A ServiceEntry's address belongs to another service" },
  MLT2021: { severity: "error", title: "A Gateway's server wants a port that another server has" },
  MLT2022: {
    severity: "error",
    title: "A destination is a part of a wildcard host, which is a service as a whole",
  },
  MLT2023: { severity: "warning", title: "A VirtualService routes a host of another namespace" },
  MLT2025: {
    severity: "error",
    title: "Routes depend on a token's claims where no tokens are checked",
    istio: "IST0149",
  },
  MLT2024: { severity: "error", title: "The keys of a token's issuer can't be fetched" },
  MLT2026: { severity: "error", title: "An AuthorizationPolicy's provider can't be asked" },
  MLT2027: { severity: "warning", title: "An AuthorizationPolicy asks of connections what only HTTP has" },
  MLT2028: { severity: "info", title: "An AuthorizationPolicy names a caller that no pod is" },
  MLT2029: { severity: "warning", title: "An AuthorizationPolicy's selector finds no pod" },
  MLT2030: {
    severity: "warning",
    title: "An AuthorizationPolicy has a range that connections can't be told by",
  },
  MLT2031: { severity: "warning", title: "Init containers have no network until the sidecar runs" },
  MLT2032: { severity: "warning", title: "A container runs as the proxy's user" },
  MLT2033: { severity: "warning", title: "An AuthorizationPolicy's provider has no say on connections" },
  MLT2034: { severity: "error", title: "An AuthorizationPolicy has errors, and its workloads are closed" },
  MLT2035: { severity: "warning", title: "A RequestAuthentication has errors, and checks no tokens" },
  MLT2036: { severity: "info", title: "Several providers are asked about connections that aren't HTTP" },
  MLT2037: {
    severity: "warning",
    title: "Hosts of ServiceEntries share a port, and nothing tells them apart",
  },
  MLT2043: { severity: "error", title: "A CUSTOM policy asks of a token, which isn't known yet" },
  MLT2038: { severity: "warning", title: "A provider's service isn't visible where it is asked from" },
  MLT2039: {
    severity: "warning",
    title: "A path of an AuthorizationPolicy can be gone around, or never matches",
  },
  MLT2040: { severity: "info", title: "An AuthorizationPolicy names a namespace that doesn't exist" },
  MLT2041: {
    severity: "warning",
    title: "An AuthorizationPolicy shuts out a gateway that routes to its workloads",
  },
  MLT2042: { severity: "warning", title: "An AuthorizationPolicy shuts out Prometheus" },
  MLT2044: { severity: "warning", title: "An AuthorizationPolicy shuts out kubelet's probes" },
  MLT2045: { severity: "warning", title: "A WorkloadEntry has the address of a pod" },
  MLT2046: { severity: "warning", title: "A rule of an AuthorizationPolicy never matches" },
  MLT2047: {
    severity: "warning",
    title: "A policy's target is nowhere, or has no proxy that enforces policies",
  },
  MLT2048: {
    severity: "info",
    title: "Pods have no AuthorizationPolicy, and others of their namespace have",
  },
  MLT2049: { severity: "warning", title: "Nothing can be logged by a provider or service that is named" },
  MLT2050: { severity: "warning", title: "Several Telemetry objects have the same scope: the oldest holds" },
  MLT2051: { severity: "warning", title: "Nothing can be traced: spans can't be sent where they are to go" },
  MLT4001: { severity: "error", title: "No Envoy that Meltemi can run was found or fetched" },
  MLT5001: { severity: "error", title: "A private key can be read by other users" },
  MLT5002: { severity: "error", title: "The CA's files are incomplete or don't belong together" },
  MLT5003: { severity: "error", title: "A file of the CA can't be read or written" },
  MLT3101: { severity: "error", title: "No command is known for a container's image" },
  MLT3102: { severity: "error", title: "A container's command can't be found or run" },
  MLT3103: { severity: "error", title: "A container needs a ConfigMap, Secret or key that doesn't exist" },
  MLT3104: { severity: "warning", title: "A volume is treated differently on this machine" },
  MLT3105: { severity: "error", title: "A field or resource that a container refers to can't be resolved" },
  MLT3106: { severity: "warning", title: "A pod's ServiceAccount isn't declared" },
  MLT3107: { severity: "info", title: "A namespace isn't declared and was made" },
  MLT3108: { severity: "error", title: "A pod can't be injected" },
  MLT3109: { severity: "error", title: "A pod can't be started" },
  MLT3110: { severity: "warning", title: "A container ends again and again" },
  MLT3111: { severity: "error", title: "images.yaml can't be read" },
  MLT3112: { severity: "warning", title: "A host port of a gateway can't be used" },
  MLT3113: { severity: "warning", title: "A lifecycle hook of a container failed" },
  MLT3114: { severity: "error", title: "A Service can't have the address that it asks for" },
  MLT3120: { severity: "error", title: "A container can't run as the proxy's user" },
  MLT3121: { severity: "warning", title: "A container doesn't run as root here" },
  MLT3122: { severity: "warning", title: "A log can't be written to disk" },
  MLT3123: { severity: "warning", title: "A workload asks for more pods than run here" },
  MLT3124: { severity: "warning", title: "A proxy can't read a certificate's file" },
  MLT6001: { severity: "error", title: "A kubeconfig can't be used" },
  MLT4102: { severity: "error", title: "An internal error kept an edit from taking effect" },
  MLT4101: { severity: "error", title: "An Envoy refused what was generated for it" },
} as const satisfies Record<string, CatalogueEntry>;

export type ProblemCode = keyof typeof entries;

export const problemCatalogue: Readonly<Record<ProblemCode, CatalogueEntry>> = entries;
