// The files that configure containerd, kubelet, kube-proxy and pod networks on a node of a test cluster, as data.

export const clusterDnsAddress = "10.96.0.10";
export const serviceCidr = "10.96.0.0/16";
export const podCidr = "10.244.0.0/16";
export const pauseImage = "docker.io/meltemi-test/pause:1";

/** `restrict_oom_score_adj`: machines without CAP_SYS_RESOURCE can't lower it. */
export function containerdConfig(snapshotter: "overlayfs" | "native"): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`;
}

export interface KubeletOptions {
  readonly cgroupRoot: string;
  /** The node's. */
  readonly folder: string;
  readonly rootPath: string;
}

export function kubeletConfig({ cgroupRoot, folder, rootPath }: KubeletOptions): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    authentication: { anonymous: { enabled: false }, x509: { clientCAFile: rootPath } },
    authorization: { mode: "Webhook" },
    clusterDNS: [clusterDnsAddress],
    clusterDomain: "cluster.local",
    resolvConf: `${folder}/resolv.conf`,
    cgroupDriver: "cgroupfs",
    cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    localStorageCapacityIsolation: false,
    // The machine's disk is others' business.
    imageGCHighThresholdPercent: 100,
    evictionHard: { "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%" },
    serializeImagePulls: true,
  };
}

/** Connection tracking is left as it is: its settings can't be changed in a network namespace. */
export function kubeProxyConfig(nodeName: string, kubeconfigPath: string): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    clientConnection: { kubeconfig: kubeconfigPath },
    hostnameOverride: nodeName,
    mode: "iptables",
    clusterCIDR: podCidr,
    oomScoreAdj: 0,
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  };
}

/** Every pod is routed, none bridged: a bridge passes answers of Services by without translating them back. */
export function podNetworkConfig(podSubnet: string): object {
  return {
    cniVersion: "0.4.0",
    name: "pods",
    plugins: [
      {
        type: "ptp",
        ipMasq: false,
        ipam: { type: "host-local", ranges: [[{ subnet: podSubnet }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
      { type: "portmap", capabilities: { portMappings: true }, snat: true },
    ],
  };
}
