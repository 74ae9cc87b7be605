/** What Envoy takes in a configuration, where Go, and with it admission, takes more. */
import { millisecondsOf } from '../schema/durations';

/** Envoy takes less than Go and Istio do: 9223372036s are too many. */
export const LONGEST_DURATION = '876000h';

/** ASCII but for `{`, `\p` and `\P`: what Go and RE2 read alike, and what stays small when it is compiled. */
export const COMMON_REGEX = '^([ -\\[\\]-z|}~]|\\\\[!-OQ-oq-~])*$';
const IS_COMMON = new RegExp(COMMON_REGEX);

/** The most bytes of a header's name and of its value, and of what a cookie says beside its value. */
export const LONGEST_HEADER = 16_384;

/** The most instructions that Istio's bootstrap lets RE2 make of an expression (`re2.max_program_size.error_level`). */
const MOST_INSTRUCTIONS = 32_768;

/** Escapes, classes, repetitions, groups and single characters. */
const PARTS =
  /\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|\(\?[a-zA-Z-]*\)|\(\?P?<\w+>|\(\?[a-zA-Z-]*:|./gs;
const REPETITION = /^\{(\d+)(,(\d*))?\}$/;

/** Where a text, or a line of it, ends: Envoy takes that in few texts. */
export const END_OF_LINE = /[\0\n\r]/;

/** What no value of a header may have. */
// eslint-disable-next-line no-control-regex
export const CONTROL = /[\0-\x08\n-\x1f\x7f]/;

/** What every proxy takes of headers, of 60 KiB and 100 of them less those that proxies add. */
const MOST_BYTES = 58 * 1024;
const MOST_HEADERS = 90;

/** What is too much of these headers for the next proxy, and for many hosts. */
export function excessOf(headers: readonly (readonly [name: string, value: string])[]): string | undefined {
  const bytes = headers.reduce((sum, header) => sum + Buffer.byteLength(header.join()), 0);
  if (headers.length > MOST_HEADERS) return `${headers.length} headers`;
  return bytes > MOST_BYTES ? `headers of ${bytes} bytes` : undefined;
}

/** Whether Envoy knows this duration. */
export function isKnownDuration(duration: string): boolean {
  const milliseconds = millisecondsOf(duration);
  return milliseconds >= 0 && milliseconds <= millisecondsOf(LONGEST_DURATION);
}

/** Whether Envoy compiles a regular expression that Go compiles, as far as bounds that are easily told say so. */
export function isCommonRegex(expression: string): boolean {
  const isAlike = IS_COMMON.test(expression.replace(/\{\d+(,\d*)?\}/g, ''));
  return isAlike && instructionsOf(expression) <= MOST_INSTRUCTIONS;
}

/** More than RE2 makes of an expression: a repetition multiplies what it repeats. Measured with random expressions. */
function instructionsOf(expression: string): number {
  const around: number[] = [];
  let sum = 4;
  let last = 0;
  for (const [part] of expression.matchAll(PARTS)) {
    const repetition = REPETITION.exec(part);
    if (repetition) {
      const [, least, range, most] = repetition;
      const times = Math.max(range && !most ? Number(least) + 1 : Number(most ?? least), 1);
      sum += last * (times - 1) + 2 * times;
      last = (last + 2) * times;
    } else if (part.startsWith('(') && !/^\(\?[a-zA-Z-]*\)$/.test(part)) {
      around.push(sum);
      sum = 4;
      last = 0;
    } else if (part === ')') {
      last = sum + 4;
      sum = (around.pop() ?? 0) + last;
    } else if ('|*+?'.includes(part)) {
      sum += 4;
      last += 4;
    } else {
      last = /^[A-Za-z0-9/_-]$/.test(part) ? 4 : part === '.' ? 30 : 30 + part.length;
      sum += last;
    }
  }
  return sum;
}

const LENGTH = '(:\\d{1,9})?';
const WORDS = '[\\w./-]+(:[\\w./-]+)*';

/** The arguments of a command that takes a header, or another in its stead, and at most so much of it. */
export const OF_HEADER = `\\(:?[\\w-]+(\\?:?[\\w-]+)?\\)${LENGTH}`;

/**
 * Commands that Envoy takes in headers and in access logs: as they are, and with arguments of usual forms, in a regular
 * expression.
 */
export const COMMANDS = [
  'PROTOCOL|HOSTNAME|(START|EMIT)_TIME|ROUTE_NAME|VIRTUAL_CLUSTER_NAME|REQUESTED_SERVER_NAME|STREAM_ID|TRACE_ID',
  'CONNECTION_(ID|TERMINATION_DETAILS)|RESPONSE_(CODE(_DETAILS)?|FLAGS(_LONG)?)|BYTES_(RECEIVED|SENT)',
  '(UP|DOWN)STREAM_(DECOMPRESSED_HEADER|HEADER|WIRE)_BYTES_(RECEIVED|SENT)|UPSTREAM_(REQUEST_ATTEMPT_COUNT|HOST_NAME)',
  'GRPC_STATUS(_NUMBER|\\((CAMEL_STRING|SNAKE_STRING|NUMBER)\\))?|(REQUEST_|RESPONSE_)(TX_)?DURATION|DURATION',
  '(DOWNSTREAM_(DIRECT_)?|UPSTREAM_)(LOCAL|REMOTE)_(PORT|ADDRESS(_WITHOUT_PORT)?)|ACCESS_LOG_TYPE|FILTER_CHAIN_NAME',
  '(UP|DOWN)STREAM_TLS_(VERSION|CIPHER|SESSION_ID)|DOWNSTREAM_(LOCAL|PEER)_(SUBJECT|(URI|DNS|IP)_SAN)',
  'DOWNSTREAM_(TRANSPORT_FAILURE_REASON|PEER_(ISSUER|SERIAL|CERT(_V_START|_V_END)?|FINGERPRINT_(1|256)))',
  'UPSTREAM_(CLUSTER(_RAW)?|HOST|PROTOCOL|TRANSPORT_FAILURE_REASON|CONNECTION_ID)',
  `(REQ|RESP|TRAILER)${OF_HEADER}|START_TIME\\((%\\d?[YmbdHMSsTFfZz]|[\\w:./ -])+\\)`,
  `(UPSTREAM|CLUSTER)_METADATA\\(${WORDS}\\)|(DYNAMIC_METADATA\\(${WORDS}|ENVIRONMENT\\([\\w./-]+)\\)${LENGTH}`,
  `(UPSTREAM_)?FILTER_STATE\\([\\w./-]+(:PLAIN|:TYPED|:FIELD:\\w+)?\\)${LENGTH}`,
].join('|');
/** More that access logs can have. Of expressions, attributes alone, no deeper than Envoy parses them. */
export const LOG_COMMANDS = [
  'UNIQUE_ID|SPAN_ID|LOCAL_REPLY_BODY|CUSTOM_FLAGS|TLS_JA[34]_FINGERPRINT|ROUNDTRIP_DURATION|(START|EMIT)_TIME_LOCAL',
  '(BYTES|PACKETS)_RETRANSMITTED|(REQUEST_HEADERS|RESPONSE_(HEADERS|TRAILERS))_BYTES|QUERY_PARAMS(\\(ORIG\\))?',
  '(UP|DOWN)STREAM_(LOCAL_CLOSE_REASON|DETECTED_CLOSE_TYPE)|DOWNSTREAM_PEER_CHAIN_(SERIALS|FINGERPRINTS_(1|256))',
  'UPSTREAM_(PEER_(SUBJECT|ISSUER|CERT(_V_START|_V_END)?)|(LOCAL|PEER)_(URI|DNS|IP)_SAN|HOST_NAME_WITHOUT_PORT)',
  'UPSTREAM_(HOSTS|HOST_NAMES|CONNECTION_IDS)_ATTEMPTED|DOWNSTREAM_(LOCAL|PEER)_(EMAIL|OTHERNAME)_SAN',
  `(PATH(\\((NQ|WQ)(:(ORIG|PATH|ORIG_OR_PATH))?\\))?|QUERY_PARAM\\([\\w.-]+\\))${LENGTH}`,
  `METADATA\\((ROUTE|CLUSTER|DYNAMIC|UPSTREAM_HOST|LISTENER|VIRTUAL_HOST|LISTENER_FILTER_CHAIN):${WORDS}\\)${LENGTH}`,
  '(CEL\\((request|response|connection|source|destination|upstream|metadata|filter_state|xds|(up|down)stream_peer)' +
    `((\\.(?!(in|true|false|null)\\b)[A-Za-z_]\\w*|\\['[\\w:./-]+'\\])){0,30}\\))${LENGTH}`,
].join('|');
const KNOWN = new RegExp(`%%|%(${COMMANDS}|PER_REQUEST_STATE\\([\\w./-]+\\))%`, 'g');

/** Whether the value of a header has a command that Envoy may not take. */
export function hasUnknownCommand(value: string): boolean {
  return value.includes('%') && value.replace(KNOWN, '').includes('%');
}
