/** Where the agent answers what is asked of port 15090: the proxy's metrics without the app's. */
export const PROXY_METRICS_PATH = "/stats/proxy";
