// What the agent asks the app on behalf of others: HTTP, TCP and gRPC health, as injection noted them when it pointed
// the pod's probes to the agent. `exec` stays with whoever runs the container.

/** In the shape of Kubernetes' probes, with ports as numbers. */
export interface AppProber {
  readonly httpGet?: {
    readonly port: number | string;
    readonly path?: string;
    readonly scheme?: "HTTP" | "HTTPS";
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly timeoutSeconds?: number;
}

/** By the path that the agent answers, such as `/app-health/reviews/livez`. */
export type AppProbers = Readonly<Record<string, AppProber>>;

/** Reads ISTIO_KUBE_APP_PROBERS. Injection wrote it, so what isn't JSON is our mistake and throws. */
export function parseAppProbers(text: string): AppProbers {
  const value: unknown = JSON.parse(text === "" ? "{}" : text);
  if (typeof value !== "object" || value === null) throw new Error("ISTIO_KUBE_APP_PROBERS isn't an object");
  return value as AppProbers;
}
