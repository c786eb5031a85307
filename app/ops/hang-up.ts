// Hang-ups: requests whose client closed the connection before the answer.

/** The status of a request that nobody waited for, in the log and in the metrics; NGINX logs the same. It is never sent. */
export const CLIENT_CLOSED = 499;

/**
 * The status under which a request is logged and counted: 499 where the client closed the connection before the answer, else
 * that of the response. A failure of the server stays one, whoever still waits for it.
 */
export const statusOf = ({ signal }: Request, { status }: Response): number =>
  status < 500 && signal.aborted ? CLIENT_CLOSED : status;
