// A program that answers `/readyz` as a node does, so that tests of starting and ending need no shop.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request) {
    const { pathname } = new URL(request.url);
    const code = /^\/exit-(\d+)$/.exec(pathname)?.[1];
    if (code !== undefined) process.exit(Number(code));
    return new Response(null, { status: pathname === "/readyz" ? 200 : 404 });
  },
});
process.on("SIGTERM", async () => {
  await server.stop();
  process.stdout.write("ended in order\n");
  process.exit(0);
});
