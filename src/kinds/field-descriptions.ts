// One sentence for each field that a user meets first, by kind and path; the API server prints them when asked to
// explain a kind. A field without one has a name that says it.

const selector = "The workloads that this is for, by their pods' labels; without it, all of the namespace.";
const target = "The Gateway, Service or other object that this is for, in the same namespace.";
const targets = "The Gateways, Services or other objects that this is for, in the same namespace.";
const exportTo = 'The namespaces that see this: ".", "*" or names; without it, all.';
const policyTarget = { "spec.selector": selector, "spec.targetRef": target, "spec.targetRefs": targets };

export const fieldDescriptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  VirtualService: {
    "spec.hosts": "The hosts whose traffic is routed, as clients name them.",
    "spec.gateways": 'The Gateways at which this holds, NAMESPACE/NAME; "mesh" stands for all sidecars.',
    "spec.http": "Routes for HTTP, tried from first to last.",
    "spec.tls": "Routes for TLS that is passed through, by the name that the client asks for.",
    "spec.tcp": "Routes for connections that are neither.",
    "spec.exportTo": exportTo,
  },
  DestinationRule: {
    "spec.host": "The service that this is for; a short name is one of the rule's own namespace.",
    "spec.trafficPolicy": "How clients speak to all endpoints of the host.",
    "spec.subsets": "Named parts of the endpoints, by labels, each with a policy of its own if it has one.",
    "spec.exportTo": exportTo,
    "spec.workloadSelector": "The clients that heed this, by their pods' labels; without it, all.",
  },
  Gateway: {
    "spec.servers": "The ports to open, for which hosts, and with which certificates.",
    "spec.selector": "The labels of the gateway's pods, in any namespace.",
  },
  ServiceEntry: {
    "spec.hosts": "The names by which clients reach the service.",
    "spec.addresses": "Addresses or ranges of the service; without them one is made up where it is needed.",
    "spec.ports": "The service's ports and their protocols.",
    "spec.location": "Whether its workloads are part of the mesh, and so have identities.",
    "spec.resolution": "Where the addresses of its endpoints come from.",
    "spec.endpoints": "The endpoints, where they are known beforehand.",
    "spec.workloadSelector": "The Pods and WorkloadEntries that are its endpoints, by labels.",
    "spec.exportTo": exportTo,
    "spec.subjectAltNames": "Names of which the endpoints' certificates must hold one.",
  },
  Sidecar: {
    "spec.workloadSelector": selector,
    "spec.ingress": "What the proxy opens for traffic to its workload; without it, what the pod's ports say.",
    "spec.egress": "The hosts that the proxy knows, as NAMESPACE/HOST, for each port it listens on.",
    "spec.inboundConnectionPool": "Limits of connections from the proxy to its workload.",
    "spec.outboundTrafficPolicy": "What becomes of traffic to hosts that nobody declared.",
  },
  WorkloadEntry: {
    "spec.address": "The workload's IP address, host name, or unix socket.",
    "spec.ports": "The workload's ports by the names of the service's ports.",
    "spec.labels": "Labels, as a pod has them.",
    "spec.network":
      "The network that the workload is in; workloads of one network reach each other directly.",
    "spec.locality": "REGION/ZONE/SUBZONE.",
    "spec.weight": "Its share of the traffic, relative to other endpoints.",
    "spec.serviceAccount": "The service account of the same namespace whose identity it has.",
  },
  WorkloadGroup: {
    "spec.metadata": "Labels and annotations of the WorkloadEntries.",
    "spec.template": "What the WorkloadEntries of the group have in common.",
    "spec.probe": "How the health of a workload is found out.",
  },
  EnvoyFilter: {
    "spec.workloadSelector": selector,
    "spec.targetRefs": targets,
    "spec.configPatches": "The patches, in the order in which they are applied.",
    "spec.priority": "Lower ones of a namespace are applied first; 0 where it isn't set.",
  },
  ProxyConfig: {
    "spec.selector": selector,
    "spec.concurrency": "Threads of the proxy; 0 is one for each CPU.",
    "spec.environmentVariables": "Variables of the proxy's environment.",
    "spec.image": "The flavour of the proxy's image.",
  },
  PeerAuthentication: {
    "spec.selector": selector,
    "spec.mtls": "The mode of all ports.",
    "spec.portLevelMtls": "Modes of single ports of the workload, by number.",
  },
  RequestAuthentication: {
    ...policyTarget,
    "spec.jwtRules": "The issuers whose tokens are accepted. A request without any token passes.",
  },
  AuthorizationPolicy: {
    ...policyTarget,
    "spec.rules": "A request that matches one of these is matched; with none, no request is.",
    "spec.action": "What becomes of a request that is matched.",
    "spec.provider": "Who decides, where the action is CUSTOM.",
  },
  Telemetry: {
    ...policyTarget,
    "spec.tracing": "Which requests are traced, and who is told.",
    "spec.metrics": "Which metrics are reported, with which labels.",
    "spec.accessLogging": "Which requests are logged, and where.",
  },
  WasmPlugin: {
    ...policyTarget,
    "spec.url": "Where the module is: an image (oci://), a file or a download.",
    "spec.sha256": "The checksum that the module must have.",
    "spec.imagePullPolicy": "When the module is fetched again.",
    "spec.imagePullSecret": "The Secret with the registry's credentials, in the same namespace.",
    "spec.verificationKey": "The key that must have signed the module.",
    "spec.pluginConfig": "Settings that the module is given.",
    "spec.pluginName": "The name that the module is given.",
    "spec.phase": "Where among the filters it stands.",
    "spec.priority": "Higher ones of a phase come first.",
    "spec.failStrategy": "What becomes of requests when the module fails.",
    "spec.vmConfig": "The module's environment.",
    "spec.match": "The traffic that it sees.",
    "spec.type": "Whether it filters HTTP or connections.",
  },
  TrafficExtension: {
    "spec.selector": selector,
    "spec.targetRefs": targets,
    "spec.phase": "Where among the filters it stands.",
    "spec.priority": "Higher ones of a phase come first.",
    "spec.match": "The traffic that it sees.",
    "spec.wasm": "A module of WebAssembly.",
    "spec.lua": "A script in Lua.",
  },
};
