// One connection of the syncing handle to the primary: it forwards both ways, and answers by itself what the primary no longer will.
import type { Socket } from "node:net";

export type Exchange = {
  /** Forwards from now on, beginning with these bytes of the client. */
  begin(firstBytes: Buffer): void;
  /** Answers the request that waits, if any, that the primary is not there, and ends the connection. */
  refuse(): void;
  /** The same for a request for the log, which a door may hold; one that comes later is refused at once. */
  refuseLog(): void;
};

/** A request for the log; the driver repeats other requests for seconds when they fail. */
const LOG_REQUEST = "POST /wal_log.ReplicationLog/BatchLogEntries ";
/** The driver reports this status as an error, and writes no line of its own for it as it does for a connection that breaks. */
const REFUSAL = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/** Opens the exchange, whose client has sent a request that waits; nothing is forwarded before `begin`. */
export function openExchange(client: Socket, primary: Socket): Exchange {
  let isWaiting = true;
  let isForLog = false;
  let refusesLog = false;

  const refuse = () => {
    primary.destroy();
    if (!client.destroyed) client.resume().end(isWaiting ? REFUSAL : "");
    isWaiting = false;
  };
  const onRequest = (bytes: Buffer) => {
    // The rest of a request follows before its answer.
    isForLog = bytes.includes(LOG_REQUEST) || (isForLog && isWaiting);
    isWaiting = true;
    if (isForLog && refusesLog) refuse();
  };
  return {
    begin(firstBytes) {
      onRequest(firstBytes);
      if (!isWaiting) return;
      client.on("data", onRequest);
      primary.on("data", () => (isWaiting = false));
      primary.write(firstBytes);
      client.pipe(primary);
      // Its end is what `refuse` answers.
      primary.pipe(client, { end: false });
    },
    refuse,
    refuseLog() {
      refusesLog = true;
      if (isForLog && isWaiting) refuse();
    },
  };
}
