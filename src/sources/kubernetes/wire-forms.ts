// Where the fields that are projected stand in Kubernetes' protobuf messages: the numbers are those of generated.proto in
// k8s.io/api, which never change. Read from these, an object is the same as read from JSON.

/**
 * `text`, `number` and `flag` are left out of JSON where they are empty, zero or false, unless they are `kept`: of pointers
 * protobuf leaves out those that are nil, and of fields without `omitempty` none.
 */
export type WireForm =
  | "text"
  | "number"
  | "flag"
  | "kept text"
  | "kept number"
  | "kept flag"
  | "time"
  | "number or text"
  | "texts by name"
  | readonly [WireForm]
  | WireMessage;

export interface WireMessage {
  readonly [field: string]: readonly [number: number, form: WireForm];
}

/** In place of a field's name: of a message whose fields JSON has in the one around it. */
export const INLINE = "";

const metadata = {
  name: [1, "text"],
  namespace: [3, "text"],
  uid: [5, "text"],
  creationTimestamp: [8, "time"],
  labels: [11, "texts by name"],
  annotations: [12, "texts by name"],
} as const;

const named = { name: [1, "kept text"] } as const;

const probe = {
  [INLINE]: [
    1,
    {
      httpGet: [2, { path: [1, "text"], port: [2, "number or text"], scheme: [4, "text"] }],
      grpc: [4, { port: [1, "kept number"] }],
    },
  ],
} as const;

const container = {
  name: [1, "kept text"],
  image: [2, "text"],
  command: [3, ["kept text"]],
  args: [4, ["kept text"]],
  ports: [6, [{ name: [1, "text"], containerPort: [3, "kept number"], protocol: [4, "text"] }]],
  livenessProbe: [10, probe],
  readinessProbe: [11, probe],
  startupProbe: [22, probe],
} as const;

/** By kind. Kinds that aren't here are read from JSON. */
export const wireForms: ReadonlyMap<string, WireMessage> = new Map<string, WireMessage>([
  ["Namespace", { metadata: [1, metadata] }],
  ["ServiceAccount", { metadata: [1, metadata] }],
  [
    "Node",
    {
      metadata: [1, metadata],
      status: [
        3,
        {
          addresses: [5, [{ type: [1, "kept text"], address: [2, "kept text"] }]],
          nodeInfo: [7, { kubeletVersion: [7, "kept text"] }],
        },
      ],
    },
  ],
  [
    "Service",
    {
      metadata: [1, metadata],
      spec: [
        2,
        {
          ports: [
            1,
            [
              {
                name: [1, "text"],
                protocol: [2, "text"],
                port: [3, "kept number"],
                targetPort: [4, "number or text"],
                nodePort: [5, "number"],
                appProtocol: [6, "kept text"],
              },
            ],
          ],
          selector: [2, "texts by name"],
          clusterIP: [3, "text"],
          type: [4, "text"],
          externalIPs: [5, ["kept text"]],
          sessionAffinity: [7, "text"],
          externalName: [10, "text"],
          publishNotReadyAddresses: [13, "flag"],
          clusterIPs: [18, ["kept text"]],
          ipFamilies: [19, ["kept text"]],
          internalTrafficPolicy: [22, "kept text"],
          trafficDistribution: [23, "kept text"],
        },
      ],
      status: [3, { loadBalancer: [1, { ingress: [1, [{ ip: [1, "text"], hostname: [2, "text"] }]] }] }],
    },
  ],
  [
    "EndpointSlice",
    {
      metadata: [1, metadata],
      endpoints: [
        2,
        [
          {
            addresses: [1, ["kept text"]],
            conditions: [
              2,
              { ready: [1, "kept flag"], serving: [2, "kept flag"], terminating: [3, "kept flag"] },
            ],
            hostname: [3, "kept text"],
            targetRef: [4, { kind: [1, "text"], namespace: [2, "text"], name: [3, "text"] }],
            nodeName: [6, "kept text"],
            zone: [7, "kept text"],
            hints: [8, { forZones: [1, [named]], forNodes: [2, [named]] }],
          },
        ],
      ],
      ports: [
        3,
        [
          {
            name: [1, "kept text"],
            protocol: [2, "kept text"],
            port: [3, "kept number"],
            appProtocol: [4, "kept text"],
          },
        ],
      ],
      addressType: [4, "kept text"],
    },
  ],
  [
    "Pod",
    {
      metadata: [
        1,
        {
          ...metadata,
          ownerReferences: [
            13,
            [{ kind: [1, "kept text"], name: [3, "kept text"], controller: [6, "kept flag"] }],
          ],
        },
      ],
      spec: [
        2,
        {
          containers: [2, [container]],
          serviceAccountName: [8, "text"],
          nodeName: [10, "text"],
          hostNetwork: [11, "flag"],
          initContainers: [20, [container]],
        },
      ],
      status: [3, { phase: [1, "text"], podIP: [6, "text"], podIPs: [12, [{ ip: [1, "kept text"] }]] }],
    },
  ],
]);
