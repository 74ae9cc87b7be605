/**
 * How many parts objects have whose parts istiod multiplies, with each other or with those of another object: a few
 * kilobytes would fill the memory of istiod, or of every proxy.
 */
import { annotation, field, Validation, words } from './cel';

/** Istio's admission compares each prefix with each other one, and keeps a text for every pair that overlaps. */
const MAX_PREFIXES = 500;
/** Istio's admission compares each host with each other one. */
const MAX_HOSTS = 5_000;
/** Each host has a copy of each rule, over HTTP with the answers and headers in it. */
const MAX_HTTP_HOSTS = 50;
const MAX_RULES_OF_HOSTS = 20_000;
/** Sidecars have rules over HTTP once more for each port of the host with HTTP, so that there these count as ten. */
const FOR_PORTS = 10;
/** Of all texts over HTTP, each as often as it is copied. */
const MAX_TEXT = 5_000_000;
/** As how many hosts a wildcard counts for texts, and whatever delegates. */
const FOR_OTHERS = 50;
/** Each match of a rule has a copy of all else in it, for each host, unless that is little. */
const MAX_COPIES = 200;
const MAX_COPIED = { destinations: 10, characters: 100 };
/** A wildcard stands for each Service that the namespace sees, and is counted as one host. */
const MAX_WILDCARD_RULES = 10;
/** Each rule that delegates has a copy of each rule of the delegate, and each host has all of them. */
const MAX_DELEGATING = { hosts: 5, rules: 50, delegated: 100 };
/** Each port of a Service has a cluster for each subset of its DestinationRule, in the proxies of all who see both. */
const MAX_PORTS = 100;
const MAX_SUBSETS = { seen: 50, own: 1_000, wildcard: 10 };
/** Each host of a ServiceEntry has an endpoint for each of its ports and of its endpoints. */
const MAX_ENDPOINTS = 20_000;
/** As how many endpoints a `workloadSelector` counts. */
const SELECTED = 100;
/** Each cluster has a copy of each of them, as has each route of the attributes of a cookie. */
const MAX_NAMES = 20;
const MAX_CHARACTERS = 5_000;
/** Each route has a copy of what its destination is hashed by. */
const MAX_HASHED = 500;
/** Envoy knows 128 priorities of endpoints. Istio makes one more than there are labels, each split by up to five localities. */
const MAX_LABELS = 20;

const http = field('spec.http', '[]');
const bytes = ['spec.tls', 'spec.tcp'].map((list) => field(list, '[]'));
const sum = (list: string, one: string) => `${list}.map(route, ${one}).sum()`;
/** Each match of a rule is a rule of its own. */
const matched = '(has(route.match) && route.match.size() > 1 ? route.match.size() : 1)';
const rulesOf = (list: string) => sum(list, matched);
const rules = rulesOf(http);
const rulesOfBytes = bytes.map(rulesOf).join(' + ');

const destinations = field('route', '[]', 'route');
const prefixes = sum(
  http,
  `(has(route.match) ? route.match.filter(match, ${field('uri.prefix', "''", 'match')} != '').size() : 0)`,
);

const IS_LITTLE = [
  ...['headers', 'corsPolicy', 'mirrors', 'rewrite', 'redirect', 'directResponse'].map((part) => `!has(route.${part})`),
  `${destinations}.all(to, !has(to.headers))`,
  ...['name', 'retries.retryOn'].map((text) => `${field(text, "''", 'route')}.size() <= ${MAX_COPIED.characters}`),
].join(' && ');

const isForSidecars = `(variables.gateways.size() == 0 || 'mesh' in variables.gateways)`;
const ports = `(${isForSidecars} ? ${FOR_PORTS} : 1)`;

/** How much of a part there is. Lists and maps that expressions write cost much: none stands for what is not there. */
const within = (part: string, of: string, lengths: (part: string) => string[]) =>
  `(has(${of}.${part}) ? ${lengths(`${of}.${part}`).join(' + ')} : 0)`;
const lengthOf = (part: string, of: string) => within(part, of, (text) => [`${text}.size()`]);
const lengthOfAll = (parts: string, of: string) => words(parts).map((part) => lengthOf(part, of));
const lengthOfList = (part: string, of: string) => within(part, of, (list) => [`${list}.join('').size()`]);
const lengthOfMap = (part: string, of: string, length: (value: string) => string) =>
  within(part, of, (map) => [`${map}.map(key, key.size() + ${length(`${map}[key]`)}).sum()`]);
/** It has one of them. */
const lengthOfMatcher = (matcher: string) =>
  `(${['exact', 'prefix', 'regex'].map((kind) => `has(${matcher}.${kind}) ? ${matcher}.${kind}.size() : `).join('')}0)`;
const lengthOfHeaders = (of: string) =>
  within('headers', of, (both) =>
    ['request', 'response'].map((side) =>
      within(side, both, (changes) => [
        ...['set', 'add'].map((map) => lengthOfMap(map, changes, (value) => `${value}.size()`)),
        lengthOfList('remove', changes),
      ]),
    ),
  );
const lengthOfMatches = within('match', 'route', (list) => [
  `${list}.map(match, ${[
    ...['uri', 'scheme', 'method', 'authority'].map((part) => within(part, 'match', (of) => [lengthOfMatcher(of)])),
    ...['headers', 'queryParams', 'withoutHeaders'].map((part) =>
      lengthOfMap(part, 'match', (matcher) =>
        words('exact prefix regex')
          .map((kind) => `${field(kind, "''", matcher)}.size()`)
          .join(' + '),
      ),
    ),
    ...lengthOfAll('name statPrefix', 'match'),
  ].join(' + ')}).sum()`,
]);
const lengthOfRule = [
  lengthOfHeaders('route'),
  lengthOf('name', 'route'),
  within('retries', 'route', (of) => lengthOfAll('retryOn', of)),
  within('route', 'route', (list) => [
    `(${list}.size() > 1 ? ${list}.size() * ${MAX_COPIED.characters} : 0)`,
    `(${list}.exists(to, has(to.headers)) ? ${list}.map(to, ${lengthOfHeaders('to')}).sum() : 0)`,
  ]),
  within('mirrors', 'route', (list) => [`${list}.size() * ${MAX_COPIED.characters}`]),
  within('corsPolicy', 'route', (of) => [
    ...['allowOrigin', 'allowMethods', 'allowHeaders', 'exposeHeaders'].map((list) => lengthOfList(list, of)),
    within('allowOrigins', of, (list) => [`${list}.map(origin, ${lengthOfMatcher('origin')}).sum()`]),
  ]),
  within('rewrite', 'route', (of) => [
    ...lengthOfAll('uri authority', of),
    within('uriRegexRewrite', of, (regex) => lengthOfAll('match rewrite', regex)),
  ]),
  within('redirect', 'route', (of) => [
    ...lengthOfAll('uri authority', of),
    // Istio 1.30 has no prefixRewrite.
    `${field('prefixRewrite', "''", `dyn(${of})`)}.size()`,
  ]),
  within('directResponse', 'route', (of) => [within('body', of, (body) => lengthOfAll('string bytes', body))]),
].join(' + ');

/** What the conditions for VirtualServices share. */
export const COUNTED = [
  { name: 'hasWildcard', expression: "variables.hosts.exists(host, host.startsWith('*'))" },
  {
    name: 'hasFewRules',
    expression:
      `variables.hosts.size() * (${rules} * ${ports} + (variables.hosts.size() > 1 ? ${rulesOfBytes} : 0)) <= ` +
      `${MAX_RULES_OF_HOSTS}`,
  },
];

/** Whether texts are few enough. Where there are too many rules, that is refused, and their texts are not counted. */
const isShort = (lengths: string) =>
  `${http}.size() == 0 || !variables.hasFewRules || ${sum(http, lengths)} * ${ports} * ` +
  `(variables.hosts.size() > 1 ? variables.hosts.size() : 1) * (variables.hosts.size() == 0 || ` +
  `${isForSidecars} && variables.hasWildcard || ` +
  `${http}.exists(route, has(route.delegate)) ? ${FOR_OTHERS} : 1) <= ${MAX_TEXT}`;
const SHORT =
  `up to ${MAX_TEXT / FOR_PORTS} characters for sidecars, and up to ${MAX_TEXT} for gateways alone, once for each host, ` +
  `with \`delegate\`, without hosts, or with a wildcard for sidecars ${FOR_OTHERS} times`;

/** Of every VirtualService: admission of Istio reads private ones too, and istiod puts them together. */
export const FEW_ROUTES: Validation[] = [
  {
    expression: `${prefixes} <= ${MAX_PREFIXES}`,
    message:
      `A VirtualService matches up to ${MAX_PREFIXES} prefixes: istiod compares each with each other one when it is ` +
      'written, and keeps a text for every pair that overlaps. Write several VirtualServices.',
  },
  {
    expression: `variables.hosts.size() <= (${http}.size() > 0 ? ${MAX_HTTP_HOSTS} : ${MAX_HOSTS}) && variables.hasFewRules`,
    message:
      `A VirtualService is for up to ${MAX_HOSTS} hosts, over HTTP for up to ${MAX_HTTP_HOSTS}, with up to ` +
      `${MAX_RULES_OF_HOSTS} rules and matches for all of them together, over HTTP for sidecars up to ` +
      `${MAX_RULES_OF_HOSTS / FOR_PORTS}: istiod compares each host with each other one, and copies each rule for each ` +
      'host, and sidecars have it for each port. Write several VirtualServices.',
  },
  {
    expression: isShort(`(${lengthOfRule}) * ${matched}`),
    message:
      `The headers, answers, rewrites, redirects, CORS and names of a VirtualService have ${SHORT}, and once for each match ` +
      `of their rule; a mirror, and each of several destinations, counts as ${MAX_COPIED.characters}. Write shorter ones, or ` +
      'several VirtualServices.',
  },
  {
    expression: isShort(lengthOfMatches),
    message: `What a VirtualService matches over HTTP has ${SHORT}. Write shorter ones, or several VirtualServices.`,
  },
  {
    expression: [http, ...bytes]
      .map(
        (list) =>
          `${list}.all(route, ${matched} == 1 || ${matched} * variables.hosts.size() <= ${MAX_COPIES} || ` +
          `${destinations}.size() <= ${MAX_COPIED.destinations}${list === http ? ` && ${IS_LITTLE}` : ''})`,
      )
      .join(' && '),
    message:
      `A rule of a VirtualService has up to ${MAX_COPIES} matches, for all hosts together, unless it has up to ` +
      `${MAX_COPIED.destinations} destinations, a name and \`retryOn\` of up to ${MAX_COPIED.characters} characters, and no ` +
      'headers, CORS, mirrors, rewrite, redirect or answer: each match has a copy of them. Write several rules.',
  },
  {
    expression:
      `!${isForSidecars} || !variables.hasWildcard || ` +
      `(${rules} + ${rulesOfBytes}) <= ${MAX_WILDCARD_RULES} && !${http}.exists(route, has(route.delegate) || has(route.directResponse))`,
    message:
      `A VirtualService for sidecars with a wildcard among its hosts has up to ${MAX_WILDCARD_RULES} rules, without ` +
      '`delegate` and `directResponse`: istiod copies them for each Service that the wildcard stands for. Name the hosts.',
  },
  {
    expression:
      `variables.hosts.size() == 0 ? ${rules} <= ${MAX_DELEGATING.delegated} : ` +
      `!${http}.exists(route, has(route.delegate)) || ` +
      `variables.hosts.size() <= ${MAX_DELEGATING.hosts} && variables.hosts.size() * ${rules} <= ${MAX_DELEGATING.rules}`,
    message:
      `A VirtualService that delegates is for up to ${MAX_DELEGATING.hosts} hosts, with up to ${MAX_DELEGATING.rules} rules for ` +
      `all of them together, and one without hosts, for others to delegate to, has up to ${MAX_DELEGATING.delegated}: istiod copies those of the ` +
      'one for each of the other. Write fewer rules, or several VirtualServices without `delegate`.',
  },
];

const areFew = (list: string, of: string) => `${within(list, of, (names) => [`${names}.size()`])} <= ${MAX_NAMES}`;
const accounts =
  `${field('spec.endpoints', '[]')}.map(endpoint, ${field('serviceAccount', "''", 'endpoint')})` +
  ".filter(account, account != '')";

export const FEW_ENDPOINTS: Validation = {
  expression:
    `${field('spec.hosts', '[]')}.size() * ${field('spec.ports', '[]')}.size() * ` +
    `(object.?spec.?workloadSelector.hasValue() ? ${SELECTED} : ` +
    `${field('spec.endpoints', '[]')}.size() > 1 ? ${field('spec.endpoints', '[]')}.size() : 1) <= ${MAX_ENDPOINTS} && ` +
    `(!has(object.spec) || ${areFew('subjectAltNames', 'object.spec')} && ` +
    `${lengthOfList('subjectAltNames', 'object.spec')} <= ${MAX_CHARACTERS}) && ` +
    `(${accounts}.size() <= ${MAX_NAMES} || ${accounts}.filter(account, account != ${accounts}[0]).size() <= ${MAX_NAMES})`,
  message:
    `A ServiceEntry has up to ${MAX_ENDPOINTS} endpoints, for all its hosts and ports together, where a ` +
    `\`workloadSelector\` counts as ${SELECTED}, up to ${MAX_NAMES} \`subjectAltNames\`, of ${MAX_CHARACTERS} characters ` +
    `together, and up to ${MAX_NAMES} endpoints with another \`serviceAccount\` than the first: istiod keeps each of ` +
    'them, and each port has the names. Write several ServiceEntries.',
};

export const FEW_PORTS: Validation = {
  expression: `${field('spec.ports', '[]')}.size() <= ${MAX_PORTS}`,
  message: `A Service has up to ${MAX_PORTS} ports, for each of which every proxy has clusters: write several Services.`,
};

const annotated = `(${['canonical', 'kubernetes']
  .map((kind) => annotation(`alpha.istio.io/${kind}-serviceaccounts`))
  .join(" + ',' + ")})`;

export const FEW_ACCOUNTS: Validation = {
  expression:
    `${annotated}.size() <= ${MAX_CHARACTERS} && ` +
    `${annotated}.split(',').filter(account, account != '').size() <= ${MAX_NAMES}`,
  message:
    `A Service names up to ${MAX_NAMES} service accounts, in ${MAX_CHARACTERS} characters, which each of its ports has in ` +
    'every proxy: write fewer.',
};

/** Of every DestinationRule. */
export function fewNames(everywhere: (holds: (policy: string) => string) => string): Validation {
  return {
    expression: everywhere((policy) =>
      [
        `(!has(${policy}.tls) || ${areFew('subjectAltNames', `${policy}.tls`)} && ${[
          lengthOfList('subjectAltNames', `${policy}.tls`),
          ...lengthOfAll('sni clientCertificate privateKey caCertificates caCrl credentialName', `${policy}.tls`),
          // Istio 1.30 has no caCertCredentialName.
          `${field('caCertCredentialName', "''", `dyn(${policy}.tls)`)}.size()`,
        ].join(' + ')} <= ${MAX_CHARACTERS})`,
        `(!has(${policy}.loadBalancer) || ${within('consistentHash', `${policy}.loadBalancer`, (hash) => [
          ...lengthOfAll('httpHeaderName httpQueryParameterName', hash),
          within('httpCookie', hash, (cookie) => [
            ...lengthOfAll('name path', cookie),
            within('attributes', cookie, (list) => [
              `(${list}.size() > ${MAX_NAMES} ? ${MAX_HASHED + 1} : ` +
                `${list}.map(one, ${lengthOfAll('name value', 'one').join(' + ')}).sum())`,
            ]),
          ]),
        ])} <= ${MAX_HASHED})`,
      ].join(' && '),
    ),
    message:
      `A DestinationRule has up to ${MAX_NAMES} \`subjectAltNames\` at one place, with all names of \`tls\` in ` +
      `${MAX_CHARACTERS} characters, which each port and subset has in every proxy, and is hashed by up to ${MAX_NAMES} ` +
      `attributes of a cookie, with all names and values in ${MAX_HASHED} characters, which each route has: write fewer, ` +
      'and shorter ones.',
  };
}

export const FEW_SUBSETS: Validation = {
  expression:
    `${field('spec.subsets', '[]')}.size() <= (variables.host.startsWith('*') ? ${MAX_SUBSETS.wildcard} : ` +
    `variables.isSeen ? ${MAX_SUBSETS.seen} : ${MAX_SUBSETS.own})`,
  message:
    `A DestinationRule that other namespaces see has up to ${MAX_SUBSETS.seen} subsets, one that is for its own namespace ` +
    `up to ${MAX_SUBSETS.own}, and one with a wildcard up to ${MAX_SUBSETS.wildcard}: proxies have a cluster for each of ` +
    'them, and each port of each Service. Write fewer.',
};

/** Of DestinationRules that others see. */
export function fewPriorities(everywhere: (holds: (policy: string) => string) => string): Validation {
  return {
    expression: everywhere((policy) =>
      // Istio 1.30 has no zoneAwareLbSetting.
      ['localityLbSetting', 'zoneAwareLbSetting']
        .map(
          (setting) =>
            `${field(`loadBalancer.${setting}.failoverPriority`, '[]', `dyn(${policy})`)}.size() <= ${MAX_LABELS}`,
        )
        .join(' && '),
    ),
    message:
      `A DestinationRule that other namespaces see has up to ${MAX_LABELS} labels in \`failoverPriority\`: Envoy refuses ` +
      'more priorities than 128, and with them every change of endpoints that comes along. Write fewer, or keep the ' +
      'rule to its own namespace: `exportTo: ["."]`.',
  };
}
