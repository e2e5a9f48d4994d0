// Who may import whom, as data: the rooms of src/ in the order of the one-way street. tools/check-layers
// enforces it and draws it into ARCHITECTURE.md.

export interface Room {
  readonly name: string;
  /** For the diagram. */
  readonly purpose: string;
  /** Rooms, or single files or folders of one (`admin/contract`), whose values and types it may use. */
  readonly sees: readonly string[];
  /** The same, for types alone. */
  readonly seesTypesOf?: readonly string[];
  /** A pure room does no I/O: it imports none of `impureModules`. */
  readonly isPure?: boolean;
}

export const rooms: readonly Room[] = [
  { name: "core", purpose: "nouns without I/O", sees: [], isPure: true },
  { name: "gen", purpose: "Envoy's and Istio's API, generated", sees: [], isPure: true },
  { name: "graph", purpose: "derived tables, the incremental engine", sees: ["core"], isPure: true },
  { name: "kinds", purpose: "one declaration per kind of object", sees: ["core"], isPure: true },
  // A client that four rooms need: sources watch by it, and identity, installation and election ask by it.
  { name: "kubernetes", purpose: "requests to an API server", sees: ["core", "kinds"] },
  {
    name: "sources",
    purpose: "write objects into source tables",
    sees: ["core", "graph", "kinds", "kubernetes"],
  },
  {
    name: "model",
    purpose: "resolves relations between objects",
    sees: ["core", "graph", "kinds"],
    isPure: true,
  },
  {
    name: "view",
    purpose: "what one proxy may see",
    sees: ["core", "graph", "kinds", "model"],
    isPure: true,
  },
  {
    name: "envoy",
    purpose: "pure builders of Envoy's config",
    sees: ["core", "kinds", "gen"],
    seesTypesOf: ["model", "view"],
    isPure: true,
  },
  {
    name: "controllers",
    purpose: "what the leading replica writes into a cluster",
    sees: ["core", "kinds", "kubernetes", "sources"],
  },
  // The leader of a cluster fetches and writes them, and so does the one control plane of a machine.
  {
    name: "jwks",
    purpose: "keys of token issuers, fetched and kept",
    sees: ["core", "kinds", "kubernetes", "sources"],
  },
  { name: "grpc", purpose: "a thin gRPC layer on HTTP/2", sees: ["core"] },
  { name: "xds", purpose: "streams, versions, opaque bytes", sees: ["core", "gen", "grpc"] },
  { name: "traffic", purpose: "the last hour, as proxies tell it", sees: ["core"], isPure: true },
  {
    name: "fleet",
    purpose: "who is connected, and which set they get",
    sees: ["core", "gen", "graph", "kinds", "view", "envoy", "xds"],
  },
  // In a cluster the CA's key is a Secret, and the API server knows whose a token is.
  { name: "identity", purpose: "CA, SPIFFE, certificates", sees: ["core", "gen", "kinds", "kubernetes"] },
  { name: "process", purpose: "paths, logs and the last handler of a program", sees: ["core"] },
  { name: "capture", purpose: "interception rules as data", sees: ["core", "kinds"] },
  // Injection writes the arguments of the init container, which are capture's to define.
  { name: "inject", purpose: "the sidecar in a pod", sees: ["core", "kinds", "capture"], isPure: true },
  // The API server asks; what there is to say is injection's and the kinds' own.
  { name: "webhook", purpose: "answers to the API server", sees: ["core", "kinds", "inject"] },
  {
    name: "agent",
    purpose: "keys, SDS and Envoy in the pod",
    // It reads what injection wrote into the pod, and applies capture's rules there.
    sees: ["core", "gen", "kinds", "identity", "grpc", "capture", "inject", "process"],
  },
  {
    name: "cni",
    purpose: "captures pods on a node",
    // It applies capture's rules to the pods that injection marked, and asks the API server for those.
    sees: ["core", "kinds", "kubernetes", "capture", "inject", "process"],
  },
  {
    name: "local",
    purpose: "pods as processes on one machine",
    // The supervisor answers the part of admin's contract that is about pods.
    sees: ["core", "kinds", "inject", "capture", "agent", "admin/contract"],
    // Its store is the one that the API's sources read.
    seesTypesOf: ["sources/memory"],
  },
  { name: "analysis", purpose: "what is wrong with the objects", sees: ["core", "kinds", "model"] },
  {
    name: "explain",
    purpose: "why a proxy does what it does",
    sees: ["core", "gen", "kinds", "view", "envoy"],
    isPure: true,
  },
  { name: "telemetry", purpose: "our own metrics and traces", sees: ["core", "kinds"] },
  {
    name: "admin",
    purpose: "HTTP and JSON about all of it",
    sees: ["core", "kinds"],
    // It reports on the fleet and the model that it is handed.
    seesTypesOf: ["fleet", "model", "traffic", "view", "xds"],
  },
  {
    name: "install",
    purpose: "what a cluster is given",
    // The rights and webhooks of an installation are those of injection's and our programs' own declarations.
    sees: ["core", "kinds", "kubernetes", "inject"],
  },
  {
    name: "serving",
    purpose: "xDS and certificates, for who proves who they are",
    // Its own certificate is renewed as an agent's is.
    sees: ["core", "grpc", "xds", "fleet", "identity", "agent", "traffic"],
  },
  {
    name: "replicas",
    purpose: "what control planes of a cluster ask each other",
    sees: ["core", "kinds", "grpc", "identity", "admin", "serving"],
  },
  {
    name: "plane",
    purpose: "the control plane without its sockets",
    // It joins the street from objects to encoded resources with who asks about it.
    sees: [
      ...["core", "graph", "kinds", "sources", "model", "view", "controllers", "grpc", "xds", "fleet"],
      ...["kubernetes", "jwks", "inject", "admin", "install", "process", "serving", "replicas"],
    ],
  },
  {
    name: "cluster",
    purpose: "a mesh in a cluster, asked through its API server",
    // It answers commands by the admin's contract, as a mesh on this machine does.
    sees: ["core", "kinds", "kubernetes", "admin/contract"],
  },
  { name: "cli", purpose: "one file per command", sees: ["core", "kinds", "admin/contract", "explain"] },
  {
    name: "front",
    purpose: "the user's side of a mesh on this machine",
    sees: ["core", "kinds", "sources", "agent", "local", "process", "cli"],
  },
  {
    name: "operations",
    purpose: "what commands do to clusters and manifests",
    sees: ["core", "kinds", "kubernetes", "sources", "inject", "admin/contract", "install", "cluster", "cli"],
  },
];

/** `main` constructs and wires: it sees every room, and nobody imports it. */
export const wiringRoom = "main";

/** Node's modules that read or change the world. */
export const impureModules: readonly string[] = [
  ...[
    "child_process",
    "cluster",
    "dgram",
    "dns",
    "dns/promises",
    "fs",
    "fs/promises",
    "http",
    "http2",
    "https",
  ],
  ...["inspector", "os", "process", "readline", "repl", "timers", "timers/promises", "tls", "worker_threads"],
].map((name) => `node:${name}`);
