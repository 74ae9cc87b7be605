/**
 * What routes and rules for a namespace's own Services may say where other namespaces see them: their sidecars follow
 * them, and a single value that Envoy refuses keeps it from every change of its HTTP routes.
 */
import { each, field, isOwnService, literal, noHopNames, Validation } from './cel';
import { fewNames, fewPriorities } from './sizes';
import { COMMON_REGEX, LONGEST_DURATION } from '../../istio/envoy';

/** Printable ASCII without `%`, which would begin a command of Envoy's. */
const PLAIN = '^[ -$&-~]{0,999}$';

/** Of what is set, or added, at one place. Envoy takes 1,000 for a route, where what is set and added comes together. */
const MAX_HEADERS = 200;

const MAX_WEIGHT = 10_000;
/** Each proxy keeps a table of this size for each such rule and port; Envoy itself takes 128 times as much. */
const MAX_TABLE = 65_537;
/** With a table of one place Envoy crashes: it divides by zero. */
const MIN_TABLE = 101;

const isRegex = (matcher: string) => `${field('regex', "''", matcher)}.matches(${literal(COMMON_REGEX)})`;
const isPlain = (text: string) => `${text}.matches(${literal(PLAIN)})`;
const isName = (text: string) => `${text} != '' && ${isPlain(text)}`;
const isShort = (duration: string) => `duration(${duration}) <= duration('${LONGEST_DURATION}')`;
const isStatus = (code: string) => `${code} >= 200 && ${code} < 600`;
const eachKey = (map: string, of: string, holds: (key: string, value: string) => string) =>
  `${field(map, '{}', of)}.all(key, ${holds('key', `${of}.${map}[key]`)})`;

/** What holds for each rule of a VirtualService, and for each match of a rule. */
const eachRule = (list: string) => (holds: string) => each(`spec.${list}`, 'object', 'route', holds);
const [eachHttp, eachTls, eachTcp] = ['http', 'tls', 'tcp'].map(eachRule);
const eachOfBytes = (holds: string) => `${eachTls(holds)} && ${eachTcp(holds)}`;
const eachMatch = (holds: string) => each('match', 'route', 'match', holds);

/** Where VirtualServices that other sidecars follow may lead. */
export function ownDestinations(clusterDomain: string): Validation {
  const isOwn = (host: string) => `(${isOwnService(host, clusterDomain)})`;
  const to = (of: string) => each('route', of, 'to', isOwn(field('destination.host', "''", 'to')));
  const mirror = field('mirror.host', "''", 'route');
  return {
    expression: [
      eachHttp(
        [
          to('route'),
          `(${mirror} == '' || ${isOwn(mirror)})`,
          each('mirrors', 'route', 'to', isOwn(field('destination.host', "''", 'to'))),
          noHopNames(`[${field('rewrite.authority', "''", 'route')}]`),
          authorities('route'),
          each('route', 'route', 'to', authorities('to')),
        ].join(' && '),
      ),
      eachOfBytes(to('route')),
    ].join(' && '),
    message:
      "A VirtualService that other namespaces see sends their calls to its own namespace's Services only, by their " +
      'short or full names: anything else could send them to private hosts of the callers. ' +
      'Write such routes with `exportTo: ["."]`.',
  };
}

/** What the proxies of others must be able to read in VirtualServices. */
export function routesBeyond(): Validation[] {
  const weights = (of: string) => each('route', of, 'to', `${field('weight', '0', 'to')} <= ${MAX_WEIGHT}`);
  return [
    {
      expression: eachHttp(
        [
          eachMatch(
            [
              ...['uri', 'scheme', 'method', 'authority'].map(
                (name) => `(!has(match.${name}) || ${isRegex(`match.${name}`)})`,
              ),
              ...['headers', 'queryParams', 'withoutHeaders'].map((map) =>
                eachKey(map, 'match', (_key, value) => isRegex(value)),
              ),
            ].join(' && '),
          ),
          each('corsPolicy.allowOrigins', 'route', 'origin', isRegex('origin')),
          `${field('rewrite.uriRegexRewrite.match', "''", 'route')}.matches(${literal(COMMON_REGEX)})`,
        ].join(' && '),
      ),
      message:
        'A regular expression of a VirtualService that other namespaces see is ASCII without `{`, `\\p` and `\\P`: ' +
        'what Envoy cannot compile would keep their sidecars from every change of their HTTP routes. Write ' +
        'repetitions out, or keep the VirtualService to its own namespace: `exportTo: ["."]`.',
    },
    {
      expression: [
        eachHttp(
          [
            headers('route'),
            each('route', 'route', 'to', headers('to')),
            ...['rewrite.uri', 'rewrite.authority', 'rewrite.uriRegexRewrite.rewrite', 'redirect.uri'].map((path) =>
              isPlain(field(path, "''", 'route')),
            ),
            isPlain(field('redirect.authority', "''", 'route')),
            `(!has(route.redirect) || ${isPlain(field('prefixRewrite', "''", typed('prefixRewrite', 'route.redirect')))})`,
            `${field('redirect.redirectCode', '301', 'route')} in [301, 302, 303, 307, 308]`,
            ...['allowMethods', 'allowHeaders', 'exposeHeaders'].map((list) =>
              each(`corsPolicy.${list}`, 'route', 'text', isPlain('text')),
            ),
            eachMatch(eachKey('queryParams', 'match', (key) => isName(key))),
            weights('route'),
          ].join(' && '),
        ),
        eachOfBytes(weights('route')),
      ].join(' && '),
      message:
        'A VirtualService that other namespaces see has names and values of headers, rewrites and redirects of ' +
        'printable ASCII without `%`, below 1,000 characters, names of parameters that are not empty, weights up to ' +
        `${MAX_WEIGHT}, and redirects with 301, 302, 303, 307 or 308: what Envoy refuses would keep their sidecars ` +
        'from every change of their HTTP routes. Write it so, or keep the VirtualService to its own namespace: ' +
        '`exportTo: ["."]`.',
    },
    {
      expression: eachHttp(
        `!has(route.delegate) && ${fewHeaders('route')} && ${each('route', 'route', 'to', fewHeaders('to'))}`,
      ),
      message:
        'A VirtualService that other namespaces see has its routes itself, without `delegate`, and sets, and adds, up to ' +
        `${MAX_HEADERS} headers for a route or a destination: what Envoy refuses, and nothing has checked, would keep ` +
        'their sidecars from every change of their HTTP routes. Write them here, and fewer, or keep the VirtualService ' +
        'to its own namespace: `exportTo: ["."]`.',
    },
    {
      expression: [
        eachOfBytes(eachMatch(`${field('destinationSubnets', '[]', 'match')}.size() == 0`)),
        eachTls(
          eachMatch(
            `${field('sniHosts', '[]', 'match')}.size() <= 1 && ` +
              each('sniHosts', 'match', 'host', "host == host.lowerAscii() && !host.matches('^[*][^.]')"),
          ),
        ),
      ].join(' && '),
      message:
        'A VirtualService that other namespaces see matches TLS and TCP without `destinationSubnets`, and in each match ' +
        'by one of `sniHosts`, in lower case, where `*` stands for whole labels: two that mean the same, and a part of ' +
        'a label, would keep every pod that starts from becoming ready. Write a match for each, or keep the ' +
        'VirtualService to its own namespace: `exportTo: ["."]`.',
    },
    {
      expression: eachHttp(
        ['directResponse.status', 'fault.abort.httpStatus']
          .map((path) => isStatus(field(path, '200', 'route')))
          .join(' && '),
      ),
      message:
        'A VirtualService that other namespaces see answers, in `directResponse` and `fault.abort`, with a status from ' +
        '200 to 599: any other, which Envoy refuses, would keep their sidecars from every change of their HTTP routes. ' +
        'Write such a status, or keep the VirtualService to its own namespace: `exportTo: ["."]`.',
    },
    {
      expression: eachHttp(
        ['timeout', 'retries.perTryTimeout', 'retries.backoff', 'fault.delay.fixedDelay', 'corsPolicy.maxAge']
          .map((path) => isShort(field(path, "'1s'", 'route')))
          .join(' && '),
      ),
      message:
        `Durations of a VirtualService that other namespaces see are at most ${LONGEST_DURATION}: what Envoy refuses would ` +
        'keep their sidecars from every change of their HTTP routes. Write a shorter one, or keep the VirtualService ' +
        'to its own namespace: `exportTo: ["."]`.',
    },
  ];
}

/** No private name as the authority, which Istio also takes from headers of these names, in any case. */
function authorities(of: string): string {
  return ['set', 'add']
    .map((map) =>
      eachKey(
        `headers.request.${map}`,
        of,
        (key, value) => `!(${key}.lowerAscii() in ['host', ':authority']) || ${noHopNames(`[${value}]`)}`,
      ),
    )
    .join(' && ');
}

function fewHeaders(of: string): string {
  return ['request.set', 'request.add', 'response.set', 'response.add']
    .map((map) => `${field(`headers.${map}`, '{}', of)}.size() <= ${MAX_HEADERS}`)
    .join(' && ');
}

/** What is set, added and removed, of requests and of answers. */
function headers(of: string): string {
  return ['request', 'response']
    .flatMap((side) => [
      ...['set', 'add'].map((map) =>
        eachKey(`headers.${side}.${map}`, of, (key, value) => `${isPlain(key)} && ${isPlain(value)}`),
      ),
      each(`headers.${side}.remove`, of, 'name', isPlain('name')),
    ])
    .join(' && ');
}

/** Fields that an older Istio does not have: API servers would note them in the status of the policy, were their type asked. */
const NEWER = /^(http\.http2KeepAlive\.|budgetInterval$|caCertCredentialName$|prefixRewrite$)/;
const typed = (name: string, of: string) => (NEWER.test(name) ? `dyn(${of})` : of);

/** What is true of a part, where it is there. */
const within = (part: string, holds: (of: string) => string) => (of: string) =>
  `(!has(${of}.${part}) || ${holds(`${of}.${part}`)})`;

/** Durations by their section; some of them istiod takes below zero. */
const areShort = (durations: Readonly<Record<string, readonly string[]>>) => (policy: string) =>
  Object.entries(durations)
    .map(([section, names]) =>
      within(section, (of) =>
        names
          .map((name) => field(name, "'0s'", typed(name, of)))
          .map((duration) => `${isShort(duration)} && !${duration}.startsWith('-')`)
          .join(' && '),
      )(policy),
    )
    .join(' && ');

/** What is true of each policy of a DestinationRule. */
function everywhere(holds: (policy: string) => string, ofPort = holds('port')): string {
  const below = (policy: string) => `${holds(policy)} && ${each('portLevelSettings', policy, 'port', ofPort)}`;
  const whole = `(!has(object.spec.trafficPolicy) || ${below('object.spec.trafficPolicy')})`;
  const subset = `(!has(subset.trafficPolicy) || ${below('subset.trafficPolicy')})`;
  return `!has(object.spec) || ${whole} && ${each('spec.subsets', 'object', 'subset', subset)}`;
}

export const FEW_NAMES = fewNames(everywhere);

/** Conditions for DestinationRules that others see. */
export function rulesBeyond(): Validation[] {
  const ofPorts = {
    connectionPool: [
      ...['connectTimeout', 'idleTimeout', 'maxConnectionDuration', 'tcpKeepalive.time', 'tcpKeepalive.interval'].map(
        (name) => `tcp.${name}`,
      ),
      ...['idleTimeout', 'http2KeepAlive.interval', 'http2KeepAlive.timeout'].map((name) => `http.${name}`),
    ],
    outlierDetection: ['interval', 'baseEjectionTime'],
    loadBalancer: ['warmupDurationSecs', 'warmup.duration', 'consistentHash.httpCookie.ttl'],
  };
  const files = [
    'clientCertificate',
    'privateKey',
    'caCertificates',
    'caCrl',
    'credentialName',
    'caCertCredentialName',
  ];
  return [
    {
      expression: everywhere(
        within(
          'loadBalancer',
          (balancer) =>
            `${field('simple', "''", balancer)} != 'PASSTHROUGH' && !dyn(${balancer}).?backendUtilization.hasValue()`,
        ),
      ),
      message:
        'A DestinationRule that other namespaces see balances load itself: with `simple: PASSTHROUGH` their sidecars ' +
        'would send calls that name this Service to whatever address they were made to, and whether Envoy takes each ' +
        '`backendUtilization` is not known. Write ROUND_ROBIN or LEAST_REQUEST, or keep the rule to its own namespace: ' +
        '`exportTo: ["."]`.',
    },
    {
      expression: everywhere(
        within('tls', (tls) =>
          [
            ...files.map((name) => `${field(name, "''", typed(name, tls))} == ''`),
            `(!has(${tls}.sni) || ${tls}.sni.matches('^[ -~]{0,255}$') && ${noHopNames(`[${tls}.sni]`)})`,
          ].join(' && '),
        ),
      ),
      message:
        'A DestinationRule that other namespaces see names no file or Secret, which their sidecars do not have and ' +
        'would wait for, and no private name of the hop to the egress gateway: leave `tls` out, or write ' +
        '`mode: ISTIO_MUTUAL` or DISABLE. Else keep the rule to its own namespace: `exportTo: ["."]`.',
    },
    {
      expression: everywhere(
        within(
          'loadBalancer',
          within('consistentHash', (hash) =>
            [
              ...['httpHeaderName', 'httpQueryParameterName'].map((name) => isName(field(name, "'any'", hash))),
              ...['minimumRingSize', 'ringHash.minimumRingSize'].map(
                (name) => `${field(name, '0', hash)} <= ${MAX_TABLE}`,
              ),
              `${field('maglev.tableSize', `${MAX_TABLE}`, hash)} >= ${MIN_TABLE}`,
              `${field('maglev.tableSize', `${MAX_TABLE}`, hash)} <= ${MAX_TABLE}`,
              each(
                'httpCookie.attributes',
                hash,
                'attribute',
                ['name', 'value'].map((name) => isPlain(field(name, "''", 'attribute'))).join(' && '),
              ),
            ].join(' && '),
          ),
        ),
      ),
      message:
        'A DestinationRule that other namespaces see hashes by names that are not empty, and by cookies with ' +
        'attributes, all of printable ASCII without `%`, in a ring of at ' +
        `most ${MAX_TABLE}, or a table of ${MIN_TABLE} to ${MAX_TABLE}: what Envoy refuses would keep their sidecars ` +
        'from every change of their HTTP routes, large tables fill the memory of every proxy, and with one of a single place ' +
        'it crashes. Write it so, or keep the rule to its own namespace: ' +
        '`exportTo: ["."]`.',
    },
    {
      expression: everywhere(areShort({ ...ofPorts, retryBudget: ['budgetInterval'] }), areShort(ofPorts)('port')),
      message:
        `Durations of a DestinationRule that other namespaces see are from 0s to ${LONGEST_DURATION}: what Envoy refuses would ` +
        'keep proxies, and the egress gateway, from every change of their clusters. Write another one, or keep the ' +
        'rule to its own namespace: `exportTo: ["."]`.',
    },
    {
      expression: everywhere(
        within('tunnel', (tunnel) => `!${field('targetHost', "''", tunnel)}.contains('%')`),
        'true',
      ),
      message:
        'The `tunnel` of a DestinationRule that other namespaces see leads to a host without `%`: what Envoy takes for a ' +
        'command, and does not know, would keep every pod that starts from becoming ready. Leave it out, or keep the ' +
        'rule to its own namespace: `exportTo: ["."]`.',
    },
    fewPriorities(everywhere),
  ];
}
