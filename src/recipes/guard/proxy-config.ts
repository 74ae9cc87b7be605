/**
 * What the configuration of a proxy says, in the annotation by which a pod asks for it and in the variable from which
 * the proxy reads it. Both are read as YAML, with both spellings of a field: expressions here take a text in lower case
 * and without `_`.
 */
import { literal } from './cel';
import type { GuardFacts } from './policies';

/** What it starts with, what it runs, and how it speaks to istiod. The injector writes none of them by itself. */
export const STARTS_WITH = [
  'customconfigfile',
  'proxybootstraptemplatepath',
  'binarypath',
  'configpath',
  'controlplaneauthpolicy',
  'readinessprobe',
];

/** As a proxy's configuration is read. */
export const readable = (text: string) => `${text}.lowerAscii().replace('_', '')`;

/** How many places of a text say something, compared with how many say it in a form that may be. */
export const onlyAs = (text: string, what: string, form: string) =>
  `${text}.findAll(${literal(what)}).size() == ${text}.findAll(${literal(form)}).size()`;

const domain = ({ clusterDomain }: GuardFacts) => `([.]${clusterDomain.replace(/[.]/g, '[.]')}[.]?)?`;
const oneOf = (forms: readonly string[]) => `(${forms.join('|')})`;

/** A Service in a namespace of the platform. */
export const ofPlatform = (facts: GuardFacts) =>
  `[-a-z0-9]+[.]${oneOf(facts.platformNamespaces)}[.]svc${domain(facts)}`;

/** A name by which a proxy could find something in the cluster. With one label its own names decide. */
export const inCluster = (facts: GuardFacts, namespaces = facts.platformNamespaces) =>
  `(localhost|[-a-z0-9]+[.]${oneOf([...namespaces, `[-a-z0-9]+[.]svc${domain(facts)}`])})`;

/**
 * What the proxy itself reports to (traces, metrics, access logs) is in the cluster. With two labels it could be a
 * host's, unless the second is a namespace of the platform; no domain at the top has `-` in it, but `xn--`.
 */
export function reportsInCluster(text: string, facts: GuardFacts): string {
  const namespaces = facts.platformNamespaces.filter((name) => name.includes('-') && !name.startsWith('xn--'));
  const host = `([$][(]hostip[)]|127[.]0[.]0[.]1|${inCluster(facts, namespaces)})`;
  return onlyAs(text, 'address', `address["']? *: *["']?${host}:[0-9]+(["' ,}\\r\\n]|$)`);
}
