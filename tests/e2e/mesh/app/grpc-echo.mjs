// A gRPC service without a schema, whose messages are text: `Say` answers one with one, `Talk` each of a stream.

import grpc from "@grpc/grpc-js";

const encoding = {
  requestSerialize: (text) => Buffer.from(text),
  requestDeserialize: (bytes) => bytes.toString("utf8"),
  responseSerialize: (text) => Buffer.from(text),
  responseDeserialize: (bytes) => bytes.toString("utf8"),
};

const service = {
  Say: { path: "/test.Echo/Say", requestStream: false, responseStream: false, ...encoding },
  Talk: { path: "/test.Echo/Talk", requestStream: true, responseStream: true, ...encoding },
};

export function serveGrpcEcho(port, version) {
  const server = new grpc.Server();
  server.addService(service, {
    Say: (call, reply) => reply(null, `${version}:${call.request}`),
    Talk: (call) => {
      call.on("data", (text) => call.write(`${version}:${text}`));
      call.on("end", () => call.end());
      call.on("error", () => call.end());
    },
  });
  server.bindAsync(`0.0.0.0:${port}`, grpc.ServerCredentials.createInsecure(), () => undefined);
}

const EchoClient = grpc.makeGenericClientConstructor(service, "Echo");

/** Each message in a call of its own. */
export async function sayAll(target, messages) {
  const client = new EchoClient(target, grpc.credentials.createInsecure());
  const replies = [];
  for (const message of messages) {
    replies.push(
      await new Promise((resolve, reject) => {
        client.Say(message, (error, reply) => (error ? reject(error) : resolve(reply)));
      }),
    );
  }
  client.close();
  return replies;
}

/** Over one stream, each message after the reply to the one before: nothing may wait for the stream's end. */
export function talk(target, messages) {
  const client = new EchoClient(target, grpc.credentials.createInsecure());
  const call = client.Talk();
  const replies = [];
  const [first, ...rest] = messages;
  return new Promise((resolve, reject) => {
    call.on("data", (reply) => {
      replies.push(reply);
      const next = rest.shift();
      if (next === undefined) call.end();
      else call.write(next);
    });
    call.on("error", reject);
    call.on("end", () => resolve(replies));
    call.write(first);
  }).finally(() => client.close());
}
