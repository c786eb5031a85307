// A program that listens and accepts nothing: once its queue is full, the system drops each further connection without an
// answer, as for a machine that is gone.
const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
process.stdout.write(`port ${server.port}\n`);
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
