// How many providers one connection that isn't HTTP can be asked about: Envoy has no chain of network filters that
// grows without its listener.

export const MAX_CONNECTION_PROVIDERS = 4;
