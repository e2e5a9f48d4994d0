// The flags of etcd and of Kubernetes' control plane in tests: certificates and keys lie in one folder under the
// names that `createControlPlaneFiles()` gives them; no leader election; nothing is synced to disk.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterRoot } from "./certificates.ts";
import { createClusterRoot, createSigningKey } from "./certificates.ts";
import { serviceCidr } from "./node-configuration.ts";

/** Makes the root, the API server's certificate, the key of ServiceAccount tokens and the administrator's token. */
export async function createControlPlaneFiles(
  folder: string,
  { token, addresses }: { readonly token: string; readonly addresses: readonly string[] },
): Promise<ClusterRoot> {
  const root = await createClusterRoot(folder);
  const names = [
    "DNS:localhost",
    "DNS:kubernetes.default.svc",
    ...addresses.map((address) => `IP:${address}`),
  ];
  await root.issue("kube-apiserver", "/CN=kube-apiserver", names);
  await root.issue("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client");
  await createSigningKey(join(folder, "service-accounts.key"));
  await writeFile(join(folder, "tokens.csv"), `${token},test-admin,test-admin,"system:masters"\n`);
  return root;
}

export function etcdFlags(folder: string, clientUrl: string, peerUrl: string): readonly string[] {
  return [
    ...["--data-dir", join(folder, "etcd"), "--unsafe-no-fsync", "--log-level", "warn", "--name", "test"],
    ...["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
    ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
    ...["--initial-cluster", `test=${peerUrl}`],
  ];
}

export interface ApiServerAddress {
  readonly etcdUrl: string;
  readonly address: string;
  readonly port: number;
}

export function apiServerFlags(
  folder: string,
  { etcdUrl, address, port }: ApiServerAddress,
): readonly string[] {
  const key = join(folder, "service-accounts.key");
  return [
    ...["--etcd-servers", etcdUrl, "--bind-address", address, "--advertise-address", address],
    ...["--secure-port", String(port), "--cert-dir", folder],
    ...["--tls-cert-file", join(folder, "kube-apiserver.crt")],
    ...["--tls-private-key-file", join(folder, "kube-apiserver.key")],
    ...["--client-ca-file", join(folder, "root.crt"), "--token-auth-file", join(folder, "tokens.csv")],
    ...["--kubelet-client-certificate", join(folder, "kubelet-client.crt")],
    ...["--kubelet-client-key", join(folder, "kubelet-client.key")],
    ...["--kubelet-preferred-address-types", "InternalIP"],
    ...["--service-account-issuer", "https://kubernetes.default.svc"],
    ...["--service-account-key-file", key, "--service-account-signing-key-file", key],
    ...["--authorization-mode", "Node,RBAC", "--allow-privileged=true"],
    ...["--service-cluster-ip-range", serviceCidr],
  ];
}

export function auditFlags(folder: string): readonly string[] {
  return [
    ...["--audit-policy-file", join(folder, "audit-policy.yaml")],
    ...["--audit-log-path", join(folder, "audit.log"), "--audit-log-mode", "blocking"],
  ];
}

/** Each controller has its own rights, as in a cluster that kubeadm makes. */
export function controllerManagerFlags(folder: string, kubeconfigPath: string): readonly string[] {
  return [
    ...["--kubeconfig", kubeconfigPath, "--leader-elect=false", "--use-service-account-credentials=true"],
    ...["--secure-port", "0", "--root-ca-file", join(folder, "root.crt")],
    ...["--service-account-private-key-file", join(folder, "service-accounts.key")],
    // After an outage of the API server of 50 s Kubernetes itself takes all pods out of their Services, until the
    // kubelets have reported again; tests of an outage are about the mesh.
    ...["--node-monitor-grace-period", "5m"],
  ];
}

export function schedulerFlags(kubeconfigPath: string): readonly string[] {
  return ["--kubeconfig", kubeconfigPath, "--leader-elect=false", "--secure-port", "0"];
}
