import { createHash } from 'crypto';
import { shown } from './shown';
import { isDryRun, ISTIODS_OWN } from '../istio/annotations';

/** Kubernetes' limit for DNS labels. Istio applies it to the names of Gateways, ports and subsets as well. */
const LABEL_LENGTH = 63;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** The hexadecimal digits of a key. */
const KEY_LENGTH = 20;

/**
 * The identity of a declaration: equal parts give equal keys, whatever the id and place of the construct.
 *
 * 80 bits of SHA-256, so that nobody finds a name by trial whose key is that of another owner: in apps that do not know
 * each other, two declarations with one key would be one object.
 */
export function keyOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, KEY_LENGTH);
}

/**
 * An address that represents a host inside the mesh, where sidecars answer DNS. It lies between 241.0.0.0 and
 * 254.255.255.255: not routed by any network, and not allocated by Istio itself, which uses 240.240.0.0/16. So an
 * application that dials it has asked the sidecar. An address that Istio allocates would only be used by sidecars that
 * answer DNS; all others would take every connection on the port.
 */
export function addressInstead(key: string): string {
  const bytes = [6, 4, 2].map((at) => parseInt(key.slice(at, at + 2), 16));
  return [241 + (parseInt(key.slice(0, 2), 16) % 14), ...bytes].join('.');
}

/** `<stem>-<key>[-<suffix>]` as a DNS label. A long stem is cut to make it fit. */
export function objectName(stem: string, key: string, suffix?: string): string {
  const tail = suffix === undefined ? `-${key}` : `-${key}-${suffix}`;
  const room = LABEL_LENGTH - tail.length;
  return stem.replaceAll('.', '-').slice(0, room).replace(/-+$/, '') + tail;
}

/**
 * Refuses a name that Kubernetes would refuse for a namespace, Service or port.
 *
 * @param what what the name is for, such as "namespace"
 */
export function assertDnsLabel(value: string, what: string): string {
  if (typeof value !== 'string') throw new Error(`${shown(value)} is not a valid ${what}; write its name as text`);
  if (!DNS_LABEL.test(value) || value.length > LABEL_LENGTH) {
    throw new Error(
      `${JSON.stringify(value)} is not a valid ${what}: Kubernetes allows at most ${LABEL_LENGTH} lower-case ` +
        'letters, digits and "-", beginning and ending with a letter or digit',
    );
  }
  return value;
}

/** Refuses a name that Kubernetes would refuse for a service account, Secret or ConfigMap. */
export function assertObjectName(value: string, what: string): string {
  if (typeof value !== 'string') throw new Error(`${shown(value)} is not a valid ${what}; write its name as text`);
  if (value.length > 253 || !value.split('.').every((label) => DNS_LABEL.test(label))) {
    throw new Error(
      `${JSON.stringify(value)} is not a valid ${what}: Kubernetes allows at most 253 lower-case letters, digits, ` +
        '"-" and ".", with a letter or digit at both ends and beside each "."',
    );
  }
  return value;
}

/** Refuses what istiod would not take as the mesh's trust domain. */
export function assertTrustDomain(value: string): void {
  if (typeof value !== 'string' || !/^[a-z0-9._-]{1,255}$/.test(value))
    throw new Error(
      `${shown(value)} is not a valid trust domain; write the mesh's \`trustDomain\`, such as "cluster.local": ` +
        'lower-case letters, digits, ".", "-" and "_"',
    );
}

/**
 * Refuses labels that Kubernetes would refuse.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
 */
export function assertLabels(labels: Record<string, string>): void {
  for (const [key, value] of Object.entries(labels)) {
    assertQualifiedName(key, 'label');
    if (typeof value !== 'string' || !/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(value)) {
      throw new Error(
        `${shown(value)} is not a valid value of the label "${key}": Kubernetes allows text of at most 63 letters, ` +
          'digits, "-", "_" and ".", beginning and ending with a letter or digit',
      );
    }
  }
}

/** Refuses labels that would select every pod. */
export function assertSelector(labels: Record<string, string>): void {
  if (Object.keys(labels ?? {}).length === 0)
    throw new Error('no labels, which would select every pod of the namespace; name at least one label');
  assertLabels(labels);
}

/** Refuses annotations that Kubernetes would refuse, and the one that switches policies off. */
export function assertAnnotations(annotations: Record<string, string>): void {
  if (isDryRun(annotations))
    throw new Error('"istio.io/dry-run" has istiod only count what AuthorizationPolicies would do; leave it out');
  for (const [key, value] of Object.entries(annotations)) {
    assertQualifiedName(key, 'annotation');
    if (typeof value !== 'string') {
      const instead = typeof value === 'object' ? JSON.stringify('…') : JSON.stringify(String(value));
      throw new Error(
        `${shown(value)} is not a valid value of the annotation "${key}": Kubernetes allows text only; write ` +
          instead,
      );
    }
  }
}

function assertQualifiedName(key: string, what: string): void {
  if (key.startsWith(ISTIODS_OWN))
    throw new Error(`"${key}" is ${what === 'label' ? 'a label' : 'an annotation'} of istiod's own; leave it out`);
  const [name, prefix, ...rest] = key.split('/').reverse();
  const prefixFits =
    prefix === undefined || (prefix.length <= 253 && prefix.split('.').every((label) => DNS_LABEL.test(label)));
  if (rest.length > 0 || !prefixFits || !/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(name)) {
    throw new Error(
      `"${key}" is not a valid name of ${what === 'label' ? 'a label' : 'an annotation'}: Kubernetes allows at most ` +
        '63 letters, digits, "-", "_" and ".", optionally after a DNS name and "/"',
    );
  }
}

/**
 * Whether one pod could carry both sets of labels. Only different values of the same label keep two sets apart.
 */
export function canSelectSamePod(a: Record<string, string>, b: Record<string, string>): boolean {
  return Object.entries(a).every(([key, value]) => b[key] === undefined || b[key] === value);
}
