// The ceiling of cached responses: a bare Bun.serve that sends every client one prepared response.
// Its arguments are the file of the response, and `--port` with a port.

/** A response of the shop; the body in base64. */
export type Sample = { headers: [string, string][]; body: string };

if (import.meta.main) {
  const [samplePath = "", , port = ""] = process.argv.slice(2);
  const sample = (await Bun.file(samplePath).json()) as Sample;
  const body = Uint8Array.from(Buffer.from(sample.body, "base64"));
  const headers = new Headers(sample.headers);
  Bun.serve({ hostname: "127.0.0.1", port: Number(port), fetch: () => new Response(body, { headers }) });
}
