import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { ManualClock } from "./clock.ts";
import { ConnectionBudget, type ConnectionBudgetLimits } from "./connection-budget.ts";
import { silentLogger } from "./logger.ts";

class Connection extends EventEmitter {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress = "10.0.0.1";
  isOpen = true;

  constructor(remoteAddress: string, remotePort: number) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }

  destroy(): void {
    this.isOpen = false;
    this.emit("close");
  }
}

function createDoor(limits: Partial<ConnectionBudgetLimits> = {}) {
  const clock = new ManualClock();
  const warnings: object[] = [];
  const log = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
  const budget = new ConnectionBudget(
    { maxConnections: 6, maxUnproven: 4, maxPerAddress: 5, proofTimeoutMs: 10_000, ...limits },
    { clock, log },
  );
  let port = 1;
  const connect = (address: string, state: "unproven" | "idle" | "busy" = "unproven") => {
    const connection = new Connection(address, port++);
    const isAdmitted = budget.admit(connection);
    assert.equal(isAdmitted, connection.isOpen);
    if (state !== "unproven") budget.admissionOf(connection)?.proven();
    if (state === "busy") budget.admissionOf(connection)?.setBusy(true);
    return connection;
  };
  return { budget, clock, connect, warnings };
}

const open = (connections: readonly Connection[]) => connections.map(({ isOpen }) => isOpen);

test("ConnectionBudget closes what has proven nothing within its time", () => {
  const { budget, clock, connect } = createDoor();
  const [stranger, client] = [connect("a"), connect("b", "idle")];
  clock.advance(10_000);
  assert.deepEqual(open([stranger, client]), [false, true]);
  assert.equal(budget.connectionCount, 1);
});

test("ConnectionBudget makes room by the oldest without proof once that is older than a handshake", () => {
  const { clock, connect } = createDoor();
  const first = connect("a");
  clock.advance(3_000);
  const others = ["b", "c", "c"].map((address) => connect(address));
  const next = connect("d");
  assert.deepEqual(open([first, ...others, next]), [false, true, true, true, true]);
});

test("ConnectionBudget lets who comes fast compete with what comes from the same address only", () => {
  const { connect } = createDoor();
  const client = connect("client");
  const flood = [connect("flood"), connect("flood"), connect("flood"), connect("flood"), connect("flood")];
  assert.deepEqual(open([client, ...flood]), [true, false, false, true, true, true]);
});

test("ConnectionBudget closes idle connections after those without proof, and busy ones never", () => {
  const { connect } = createDoor();
  const busy = [connect("a", "busy"), connect("b", "busy"), connect("c", "busy"), connect("d", "busy")];
  const idle = connect("e", "idle");
  const unproven = connect("f");
  const first = connect("g", "busy");
  assert.deepEqual(open([...busy, idle, unproven, first]), [true, true, true, true, true, false, true]);
  const second = connect("h", "busy");
  assert.deepEqual(open([idle, second]), [false, true]);
  const third = connect("i");
  assert.deepEqual(open([...busy, first, second, third]), [true, true, true, true, true, true, false]);
});

test("ConnectionBudget closes the idle connection that was used least lately", () => {
  const { budget, connect } = createDoor({ maxConnections: 2 });
  const [one, other] = [connect("a", "idle"), connect("b", "idle")];
  budget.admissionOf(one)?.proven();
  connect("c");
  assert.deepEqual(open([one, other]), [true, false]);
});

test("ConnectionBudget holds no address above its share", () => {
  const { connect } = createDoor({ maxPerAddress: 2 });
  const busy = [connect("a", "busy"), connect("a", "busy")];
  assert.equal(connect("a").isOpen, false);
  assert.equal(connect("::ffff:a").isOpen, false);
  const [idle, unproven] = [connect("b", "idle"), connect("b")];
  const next = connect("b");
  assert.deepEqual(open([...busy, idle, unproven, next]), [true, true, true, false, true]);
});

test("ConnectionBudget forgets what closes by itself, and takes a socket by the names of its connection", () => {
  const { budget, connect } = createDoor({ maxConnections: 1, maxPerAddress: 1 });
  for (let round = 0; round < 3; round += 1) {
    const connection = connect("a", "busy");
    assert.equal(connection.isOpen, true);
    const { remoteAddress, remotePort, localAddress } = connection;
    assert.notEqual(budget.admissionOf({ remoteAddress, remotePort, localAddress }), undefined);
    connection.destroy();
    assert.equal(budget.admissionOf({ remoteAddress, remotePort, localAddress }), undefined);
  }
  assert.equal(budget.connectionCount, 0);
});

test("ConnectionBudget says once in a while how many it turned away", () => {
  const { clock, connect, warnings } = createDoor({ maxPerAddress: 1 });
  connect("a", "busy");
  for (let round = 0; round < 9; round += 1) connect("a");
  clock.advance(10_000);
  clock.advance(10_000);
  assert.deepEqual(warnings, [{ turnedAwayCount: 9, connectionCount: 1 }]);
});
