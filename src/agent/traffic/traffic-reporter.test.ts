import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/logger.ts";
import { decodeTrafficReport, requestCount, type TrafficReport } from "../../core/traffic-report.ts";
import { GrpcError, type GrpcStatus } from "../../grpc/status.ts";
import { REPORT_PERIOD_MS, startTrafficReporter } from "./traffic-reporter.ts";
import { TrafficTable } from "./traffic-table.ts";

type Failure = Exclude<GrpcStatus, "OK">;

/** A control plane that fails as it is told to. */
function startReporter({ hasCertificate = true } = {}) {
  const clock = new ManualClock(1_000_000);
  const table = new TrafficTable();
  const tried: TrafficReport[] = [];
  const taken: TrafficReport[] = [];
  const state = {
    failure: undefined as Failure | undefined,
    connections: 0,
    hasCertificate,
    isCertificateBroken: false,
  };
  const reporter = startTrafficReporter({
    table,
    clock,
    random: () => 0.5,
    log: silentLogger,
    connect() {
      if (state.isCertificateBroken) throw new Error("no certificate can be read there");
      if (!state.hasCertificate) return undefined;
      state.connections += 1;
      return {
        async unary(_, request) {
          const report = decodeTrafficReport(request);
          tried.push(report);
          if (state.failure !== undefined) throw new GrpcError(state.failure, "told to");
          taken.push(report);
          return new Uint8Array();
        },
        close: () => {
          state.connections -= 1;
        },
      };
    },
  });
  const request = (count = 1) => {
    const labels = [["request_protocol", "http"]] as const;
    const fields = {
      ...{ side: "m", responseFlags: "", cluster: "", service: "", endpoint: "" },
      ...{ peerPrincipal: "", localPrincipal: "", peerSubject: "", responseCode: "200" },
    };
    for (let at = 0; at < count; at += 1)
      table.addRequest("line", () => ({ fields, labels }), { durationMs: 1, receivedBytes: 1, sentBytes: 1 });
  };
  /** Lets the reporter have its answer before the next period. */
  const periods = async (count: number) => {
    for (let at = 0; at < count; at += 1) {
      clock.advance(REPORT_PERIOD_MS);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const requests = (reports: readonly TrafficReport[]) =>
    reports.flatMap(({ series }) => series).reduce((sum, [, counts]) => sum + requestCount(counts), 0);
  return { reporter, state, tried, taken, request, periods, requests };
}

test("a reporter tells what came since the last time, and nothing where nothing came", async () => {
  const { request, periods, taken, requests } = startReporter();
  await periods(3);
  assert.equal(taken.length, 0);
  request(2);
  await periods(2);
  request(3);
  await periods(2);
  assert.deepEqual([taken.length, requests(taken)], [2, 5]);
  assert.deepEqual(
    taken.map(({ sequence }) => sequence),
    [0, 1],
  );
});

test("a report without an answer is told again under its number, and what came meanwhile after it", async () => {
  const { request, periods, state, tried, taken, requests } = startReporter();
  state.failure = "UNAVAILABLE";
  request(2);
  await periods(2);
  request(3);
  await periods(1);
  assert.deepEqual(new Set(tried.map(({ sequence }) => sequence)), new Set([0]));
  state.failure = undefined;
  await periods(2);
  assert.deepEqual(
    taken.map((report) => [report.sequence, requests([report])]),
    [
      [0, 2],
      [1, 3],
    ],
  );
});

test("traffic of over a minute ago isn't told as if it were of now", async () => {
  const { request, periods, state, taken, requests } = startReporter();
  state.failure = "UNAVAILABLE";
  request(100);
  await periods(20);
  state.failure = undefined;
  request(1);
  await periods(2);
  assert.equal(requests(taken), 1);
});

test("a report that the control plane can't read isn't told again", async () => {
  const { request, periods, state, tried, taken, requests } = startReporter();
  state.failure = "INVALID_ARGUMENT";
  request(1);
  await periods(1);
  state.failure = undefined;
  request(1);
  await periods(3);
  assert.deepEqual([tried.length, requests(taken)], [2, 1]);
});

test("a reporter without traffic holds no connection", async () => {
  const { request, periods, state } = startReporter();
  assert.equal(state.connections, 0);
  request();
  await periods(2);
  assert.equal(state.connections, 1);
  await periods(12);
  assert.equal(state.connections, 0);
});

test("a reporter waits for its certificate", async () => {
  const { request, periods, state, taken } = startReporter({ hasCertificate: false });
  request();
  await periods(2);
  state.hasCertificate = true;
  await periods(1);
  assert.equal(taken.length, 1);
});

test("a reporter that can't read its certificate tries again, and ends in peace", async () => {
  const { reporter, request, periods, state, taken, requests } = startReporter();
  state.isCertificateBroken = true;
  request(2);
  await periods(2);
  state.isCertificateBroken = false;
  await periods(1);
  assert.equal(requests(taken), 2);
  state.isCertificateBroken = true;
  state.failure = "UNAVAILABLE";
  request(1);
  await periods(1);
  await reporter.close();
});

test("a reporter that ends tells the rest, closes its connection, and does no more", async () => {
  const { reporter, request, periods, state, tried } = startReporter();
  request();
  await reporter.close();
  assert.deepEqual([tried.length, state.connections], [1, 0]);
  request();
  await periods(3);
  assert.equal(tried.length, 1);
});
