// How Envoy tells the agent, which listens on a unix socket, the address of who called on port 15020.

export const PEER_HEADER = "x-meltemi-peer";
