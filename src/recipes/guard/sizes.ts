/**
 * How many parts objects have whose parts istiod multiplies, with each other or with those of another object: a few
 * kilobytes would fill the memory of istiod, or of every proxy.
 */
import { annotation, field, Validation } from './cel';

/** Istio's admission compares each prefix with each other one, and keeps a text for every pair that overlaps. */
const MAX_PREFIXES = 500;
/** Istio's admission compares each host with each other one. */
const MAX_HOSTS = 5_000;
/** Each host has a copy of each rule, over HTTP with the answers and headers in it. */
const MAX_HTTP_HOSTS = 50;
const MAX_RULES_OF_HOSTS = 20_000;
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
/** Envoy knows 128 priorities of endpoints. Istio makes one more than there are labels, each split by up to five localities. */
const MAX_LABELS = 20;

const matches = field('match', '[]', 'route');
const http = field('spec.http', '[]');
const sum = (list: string, one: string) => `${list}.map(route, ${one}).sum()`;
/** Each match of a rule is a rule of its own. */
const matched = `(${matches}.size() > 1 ? ${matches}.size() : 1)`;
const rulesOf = (list: string) => sum(list, matched);
const rules = rulesOf(http);
const allRules = `(${[http, field('spec.tls', '[]'), field('spec.tcp', '[]')].map(rulesOf).join(' + ')})`;

const destinations = field('route', '[]', 'route');
const prefixes = sum(http, `${matches}.filter(match, ${field('uri.prefix', "''", 'match')} != '').size()`);

const IS_LITTLE = [
  ...['headers', 'corsPolicy', 'mirrors', 'rewrite', 'redirect', 'directResponse'].map((part) => `!has(route.${part})`),
  `${destinations}.all(to, !has(to.headers))`,
  ...['name', 'retries.retryOn'].map((text) => `${field(text, "''", 'route')}.size() <= ${MAX_COPIED.characters}`),
].join(' && ');

/** Of every VirtualService: admission of Istio reads private ones too, and istiod puts them together. */
export const FEW_ROUTES: Validation[] = [
  {
    expression: `${prefixes} <= ${MAX_PREFIXES}`,
    message:
      `A VirtualService matches up to ${MAX_PREFIXES} prefixes: istiod compares each with each other one when it is ` +
      'written, and keeps a text for every pair that overlaps. Write several VirtualServices.',
  },
  {
    expression:
      `variables.hosts.size() <= 1 || variables.hosts.size() <= (${http}.size() > 0 ? ${MAX_HTTP_HOSTS} : ${MAX_HOSTS}) && ` +
      `variables.hosts.size() * ${allRules} <= ${MAX_RULES_OF_HOSTS}`,
    message:
      `A VirtualService is for up to ${MAX_HOSTS} hosts, over HTTP for up to ${MAX_HTTP_HOSTS}, with up to ` +
      `${MAX_RULES_OF_HOSTS} rules for all of them together: istiod compares each host with each other one, and copies ` +
      'each rule for each host. Write several VirtualServices.',
  },
  {
    expression: [http, field('spec.tls', '[]'), field('spec.tcp', '[]')]
      .map(
        (list) =>
          `${list}.all(route, ${matches}.size() <= 1 || ${matches}.size() * variables.hosts.size() <= ${MAX_COPIES} || ` +
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
      `!variables.hosts.exists(host, host.startsWith('*')) || ` +
      `variables.gateways.size() > 0 && !('mesh' in variables.gateways) || ` +
      `${allRules} <= ${MAX_WILDCARD_RULES} && !${http}.exists(route, has(route.delegate) || has(route.directResponse))`,
    message:
      `A VirtualService for sidecars with a wildcard among its hosts has up to ${MAX_WILDCARD_RULES} rules, without ` +
      '`delegate` and `directResponse`: istiod copies them for each Service that the wildcard stands for. Name the hosts.',
  },
  {
    expression:
      `variables.hosts.size() == 0 ? ${rules} <= ${MAX_DELEGATING.delegated} : ` +
      `!${http}.exists(route, has(route.delegate)) || ` +
      `variables.hosts.size() <= ${MAX_DELEGATING.hosts} && ${rules} <= ${MAX_DELEGATING.rules}`,
    message:
      `A VirtualService that delegates is for up to ${MAX_DELEGATING.hosts} hosts, with up to ${MAX_DELEGATING.rules} rules, ` +
      `and one without hosts, for others to delegate to, has up to ${MAX_DELEGATING.delegated}: istiod copies those of the ` +
      'one for each of the other. Write fewer rules, or several VirtualServices without `delegate`.',
  },
];

export const FEW_ENDPOINTS: Validation = {
  expression:
    `${field('spec.hosts', '[]')}.size() * ${field('spec.ports', '[]')}.size() * ` +
    `(object.?spec.?workloadSelector.hasValue() ? ${SELECTED} : ` +
    `${field('spec.endpoints', '[]')}.size() > 1 ? ${field('spec.endpoints', '[]')}.size() : 1) <= ${MAX_ENDPOINTS} && ` +
    `${field('spec.subjectAltNames', '[]')}.size() <= ${MAX_NAMES}`,
  message:
    `A ServiceEntry has up to ${MAX_ENDPOINTS} endpoints, for all its hosts and ports together, where a ` +
    `\`workloadSelector\` counts as ${SELECTED}, and up to ${MAX_NAMES} \`subjectAltNames\`: istiod keeps each of them. ` +
    'Write several ServiceEntries.',
};

export const FEW_PORTS: Validation = {
  expression: `${field('spec.ports', '[]')}.size() <= ${MAX_PORTS}`,
  message: `A Service has up to ${MAX_PORTS} ports, for each of which every proxy has clusters: write several Services.`,
};

export const FEW_ACCOUNTS: Validation = {
  expression: ['canonical', 'kubernetes']
    .map((kind) => `${annotation(`alpha.istio.io/${kind}-serviceaccounts`)}.split(',').size() <= ${MAX_NAMES}`)
    .join(' && '),
  message: `A Service names up to ${MAX_NAMES} service accounts, which each of its ports has in every proxy: write fewer.`,
};

/** Of every DestinationRule. */
export function fewNames(everywhere: (holds: (policy: string) => string) => string): Validation {
  return {
    expression: everywhere((policy) =>
      ['tls.subjectAltNames', 'loadBalancer.consistentHash.httpCookie.attributes']
        .map((list) => `${field(list, '[]', policy)}.size() <= ${MAX_NAMES}`)
        .join(' && '),
    ),
    message:
      `A DestinationRule has up to ${MAX_NAMES} \`subjectAltNames\`, and attributes of a cookie, at one place, which each port ` +
      'and subset has in every proxy: write fewer.',
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
