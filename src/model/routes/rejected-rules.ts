import { MergedRule } from './delegation';
import { FieldRef } from '../answer/answer';
import { Undetermined } from '../answer/undetermined';
import { ItemOf, IstioSpecs } from '../../manifests/specs';

type Http = ItemOf<IstioSpecs['VirtualService']['http']>;

/** The statuses of redirects that istiod knows. */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** The highest status that Envoy gives; admission takes 600 too. */
const LAST_STATUS = 599;

/** The most bytes of a value that Envoy writes into a header, and the highest sum of weights. */
const LONGEST_VALUE = 16_384;
const HIGHEST_SUM = 4_294_967_295;

/**
 * Why Envoy rejects a rule that admission takes, and with it all routes of its port, of which it keeps those that it had
 * before.
 */
export function rejectionOf({ http }: MergedRule, where: (field: keyof Http) => FieldRef): Undetermined | undefined {
  const { redirect, directResponse, fault, rewrite, match = [], route = [] } = http;
  const rejected = (field: keyof Http, why: string) =>
    new Undetermined(`${why}, and Envoy rejects all routes of the port and keeps those before`, [where(field)]);
  const { redirectCode } = redirect ?? {};
  if (redirectCode && !REDIRECTS.includes(redirectCode))
    return rejected('redirect', `Istio makes no route of a redirect with ${redirectCode}`);
  if (!redirect && (directResponse?.status ?? 0) > LAST_STATUS)
    return rejected('directResponse', `${directResponse!.status} is not a status`);
  if ((fault?.abort?.httpStatus ?? 0) > LAST_STATUS)
    return rejected('fault', `${fault!.abort!.httpStatus} is not a status`);
  for (const [field, value] of [['redirect', redirect] as const, ['rewrite', rewrite] as const])
    if (Object.values(value ?? {}).some((text) => typeof text === 'string' && /[\0\n\r]/.test(text)))
      return rejected(field, `a ${field} holds the end of a line`);
  if (match.some(({ queryParams }) => queryParams && '' in queryParams))
    return rejected('match', 'a match asks for a parameter without a name');
  if (route.reduce((sum, { weight = 0 }) => sum + weight, 0) > HIGHEST_SUM)
    return rejected('route', `the weights make more than ${HIGHEST_SUM}`);
  const own = [http, ...route].flatMap(({ headers }) => [headers?.request, headers?.response]);
  for (const value of own.flatMap((one) => [...Object.values(one?.add ?? {}), ...Object.values(one?.set ?? {})])) {
    if (Buffer.byteLength(value) > LONGEST_VALUE)
      return rejected('headers', `a header gets a value of more than ${LONGEST_VALUE} bytes`);
    if (hasUnknownCommand(value))
      return new Undetermined(
        `it is unknown whether Envoy knows what a header is computed from (${value.slice(0, 60)}): if it does not, it ` +
          'rejects all routes of the port',
        [where('headers')],
      );
  }
  return undefined;
}

/** Commands that Envoy takes as they are, and those with arguments of usual forms. */
const COMMANDS = [
  'PROTOCOL|HOSTNAME|START_TIME|ROUTE_NAME|VIRTUAL_CLUSTER_NAME|REQUESTED_SERVER_NAME|STREAM_ID|TRACE_ID',
  'CONNECTION_ID|RESPONSE_CODE|RESPONSE_CODE_DETAILS|RESPONSE_FLAGS|BYTES_RECEIVED|BYTES_SENT|GRPC_STATUS',
  '(REQUEST_|RESPONSE_)?DURATION|(DOWNSTREAM_(DIRECT_)?|UPSTREAM_)(LOCAL|REMOTE)_(PORT|ADDRESS(_WITHOUT_PORT)?)',
  'DOWNSTREAM_TLS_(VERSION|CIPHER|SESSION_ID)|DOWNSTREAM_(LOCAL|PEER)_(SUBJECT|(URI|DNS|IP)_SAN)',
  'DOWNSTREAM_PEER_(ISSUER|SERIAL|CERT(_V_START|_V_END)?|FINGERPRINT_(1|256))|UPSTREAM_(CLUSTER|HOST|PROTOCOL)',
  '(REQ|RESP|TRAILER)\\([\\w:-]+(\\?[\\w:-]+)?\\)|START_TIME\\((%\\d?[YmdHMSsTFfZz]|[\\w:. -])+\\)',
  '((DYNAMIC|UPSTREAM|CLUSTER)_METADATA|FILTER_STATE|ENVIRONMENT|PER_REQUEST_STATE)\\([\\w./-]+\\)',
].join('|');
const KNOWN = new RegExp(`%%|%(${COMMANDS})%`, 'g');

function hasUnknownCommand(value: string): boolean {
  return value.includes('%') && value.replace(KNOWN, '').includes('%');
}
