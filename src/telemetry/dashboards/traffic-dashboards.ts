// Dashboards of traffic: of the whole mesh, of a service as its callers and its pods tell, of a workload.

import { type Dashboard, type Panel, type Query, quantiles, type Row, rate, sumBy } from "./dashboard.ts";

const REQUESTS = "istio_requests_total";
const DURATION = "istio_request_duration_milliseconds";

interface Traffic {
  /** Of PromQL, that choose it. */
  readonly matchers: string;
  /** By which it is drawn apart. */
  readonly by: readonly string[];
}

function legendOf(by: readonly string[], otherwise: string): string {
  return by.length === 0 ? otherwise : by.map((label) => `{{${label}}}`).join(" ");
}

function requestPanel({ matchers, by }: Traffic): Panel {
  return {
    title: "Requests",
    description: "Requests of HTTP and calls of gRPC a second",
    kind: "timeseries",
    unit: "reqps",
    queries: [{ promql: sumBy(by, rate(`${REQUESTS}{${matchers}}`)), legend: legendOf(by, "requests") }],
  };
}

/** Of gRPC the status of the call decides, which HTTP's 200 says nothing of. */
function successPanel({ matchers, by }: Traffic): Panel {
  const ok = `${REQUESTS}{${matchers}, response_code!~"0|5..", grpc_response_status=~"|0"}`;
  const all = `${REQUESTS}{${matchers}}`;
  return {
    title: "Success rate",
    description: "Answered with neither 5xx nor a gRPC status other than OK, and not broken off",
    kind: "timeseries",
    unit: "percentunit",
    queries: [
      {
        promql: `${sumBy(by, rate(ok))} / ${sumBy(by, rate(all))}`,
        legend: legendOf(by, "success"),
      },
    ],
  };
}

function failurePanel({ matchers }: Traffic): Panel {
  const failed = `${REQUESTS}{${matchers}, response_code=~"0|[45].."}`;
  const by = ["response_code", "response_flags"];
  return {
    title: "Failures",
    description: "By status and by Envoy's flag, which says who failed: `-` is the application",
    kind: "timeseries",
    unit: "reqps",
    queries: [{ promql: sumBy(by, rate(failed)), legend: legendOf(by, "") }],
  };
}

function durationPanel({ matchers, by }: Traffic): Panel {
  return {
    title: "Duration",
    description: "How long requests take, to the end of their responses",
    kind: "timeseries",
    unit: "ms",
    queries: quantiles({ name: DURATION, matchers }, by),
  };
}

function sizePanel({ matchers }: Traffic): Panel {
  const of = (name: string, legend: string): Query => ({
    promql: sumBy([], rate(`${name}_sum{${matchers}}`)),
    legend,
  });
  return {
    title: "Bytes of requests and responses",
    description: "On the wire, a second",
    kind: "timeseries",
    unit: "Bps",
    queries: [of("istio_request_bytes", "requests"), of("istio_response_bytes", "responses")],
  };
}

function messagePanel({ matchers }: Traffic): Panel {
  const of = (name: string, legend: string): Query => ({
    promql: sumBy([], rate(`${name}{${matchers}}`)),
    legend,
  });
  return {
    title: "Messages of gRPC",
    description: "Of both directions, a second",
    kind: "timeseries",
    unit: "ops",
    queries: [
      of("istio_request_messages_total", "requests"),
      of("istio_response_messages_total", "responses"),
    ],
  };
}

function securityPanel({ matchers }: Traffic): Panel {
  const by = ["connection_security_policy"];
  return {
    title: "Requests by security",
    description: "`mutual_tls` is proven by certificates, `none` is plaintext",
    kind: "timeseries",
    unit: "reqps",
    queries: [{ promql: sumBy(by, rate(`${REQUESTS}{${matchers}}`)), legend: legendOf(by, "") }],
  };
}

function tcpRow({ matchers }: Traffic): Row {
  const of = (name: string, legend: string): Query => ({
    promql: sumBy([], rate(`${name}{${matchers}}`)),
    legend,
  });
  return {
    title: "TCP",
    panels: [
      {
        title: "Bytes",
        description: "Of connections that aren't HTTP, a second",
        kind: "timeseries",
        unit: "Bps",
        queries: [
          of("istio_tcp_received_bytes_total", "from clients"),
          of("istio_tcp_sent_bytes_total", "from servers"),
        ],
      },
      {
        title: "Connections",
        description: "Opened and closed a second",
        kind: "timeseries",
        unit: "ops",
        queries: [
          of("istio_tcp_connections_opened_total", "opened"),
          of("istio_tcp_connections_closed_total", "closed"),
        ],
      },
    ],
  };
}

function requestRow(title: string, traffic: Traffic): Row {
  return {
    title,
    panels: [requestPanel(traffic), successPanel(traffic), failurePanel(traffic), durationPanel(traffic)],
  };
}

const mesh: Dashboard = {
  name: "mesh",
  title: "Meltemi: mesh",
  variables: [],
  rows: [
    requestRow("All requests, as callers tell", { matchers: 'reporter="source"', by: [] }),
    requestRow("By service", { matchers: 'reporter="source"', by: ["destination_service"] }),
    {
      title: "What they are",
      panels: [
        securityPanel({ matchers: 'reporter="destination"', by: [] }),
        sizePanel({ matchers: 'reporter="source"', by: [] }),
        messagePanel({ matchers: 'reporter="source"', by: [] }),
      ],
    },
    tcpRow({ matchers: 'reporter="source"', by: [] }),
  ],
};

const ofService = 'destination_service="$service"';

const service: Dashboard = {
  name: "service",
  title: "Meltemi: service",
  variables: [
    {
      name: "service",
      label: "Service",
      values: { selector: REQUESTS, label: "destination_service" },
    },
  ],
  rows: [
    requestRow("As callers tell", {
      matchers: `reporter="source", ${ofService}`,
      by: ["source_workload", "source_workload_namespace"],
    }),
    requestRow("As its pods tell", {
      matchers: `reporter="destination", ${ofService}`,
      by: ["destination_workload", "destination_version"],
    }),
    {
      title: "What they are",
      panels: [
        securityPanel({ matchers: `reporter="destination", ${ofService}`, by: [] }),
        sizePanel({ matchers: `reporter="destination", ${ofService}`, by: [] }),
        messagePanel({ matchers: `reporter="destination", ${ofService}`, by: [] }),
      ],
    },
    tcpRow({ matchers: `reporter="destination", ${ofService}`, by: [] }),
  ],
};

const asCalled =
  'reporter="destination", destination_workload_namespace="$namespace", destination_workload="$workload"';
const asCaller = 'reporter="source", source_workload_namespace="$namespace", source_workload="$workload"';

const workload: Dashboard = {
  name: "workload",
  title: "Meltemi: workload",
  variables: [
    {
      name: "namespace",
      label: "Namespace",
      values: { selector: REQUESTS, label: "destination_workload_namespace" },
    },
    {
      name: "workload",
      label: "Workload",
      values: {
        selector: `${REQUESTS}{destination_workload_namespace="$namespace"}`,
        label: "destination_workload",
      },
    },
  ],
  rows: [
    requestRow("What it is asked", {
      matchers: asCalled,
      by: ["source_workload", "source_workload_namespace"],
    }),
    {
      title: "How it is asked",
      panels: [securityPanel({ matchers: asCalled, by: [] }), sizePanel({ matchers: asCalled, by: [] })],
    },
    requestRow("What it asks", { matchers: asCaller, by: ["destination_service"] }),
    { ...tcpRow({ matchers: asCalled, by: [] }), title: "TCP to it" },
    { ...tcpRow({ matchers: asCaller, by: [] }), title: "TCP from it" },
  ],
};

export const trafficDashboards: readonly Dashboard[] = [mesh, service, workload];
