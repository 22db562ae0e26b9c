/** Messages by status of answers that the proxy itself gives; the same on every engine. */
export const STATUS_MESSAGES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timeout',
  413: 'Request body too large',
  414: 'Request target too long',
  415: 'Unsupported media type',
  421: 'Misdirected request',
  429: 'Too many requests',
  431: 'Request headers too large',
  500: 'Internal error',
  502: 'Bad gateway',
  503: 'Service unavailable',
  504: 'Gateway timeout',
  508: 'Loop detected',
};

/** Returns the JSON body of such an answer, without a line feed. `id` is the id of the request in the access log. */
export function statusBody(status: number, id: string): string {
  return JSON.stringify({ status, message: STATUS_MESSAGES[status] ?? 'Error', id });
}
