import { createHash } from 'crypto';

/** Kubernetes' limit for DNS labels; Istio holds Gateway, port and subset names to it as well. */
const LABEL_LENGTH = 63;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/**
 * The identity of what is declared: same parts, same key, whatever the construct is called and wherever it stands.
 *
 * 48 bits of SHA-256: enough to keep ten thousand declarations of a platform apart, short enough to read in a log.
 */
export function keyOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}

/**
 * An address that stands for a host where sidecars answer DNS. It lies in 241.0.0.0 to 254.255.255.255, which no
 * network routes and Istio itself does not hand out (that is 240.240.0.0/16), so whoever dials it has asked the
 * sidecar. Istio would allocate one too, but only sidecars that answer DNS use it; any other would take every
 * connection on the port.
 */
export function addressInstead(key: string): string {
  const bytes = [6, 4, 2].map((at) => parseInt(key.slice(at, at + 2), 16));
  return [241 + (parseInt(key.slice(0, 2), 16) % 14), ...bytes].join('.');
}

/** `<stem>-<key>[-<suffix>]` as a DNS label; the stem is cut where the label would get too long. */
export function objectName(stem: string, key: string, suffix?: string): string {
  const tail = suffix === undefined ? `-${key}` : `-${key}-${suffix}`;
  const room = LABEL_LENGTH - tail.length;
  return stem.replace(/\./g, '-').slice(0, room).replace(/-+$/, '') + tail;
}

/** Refuses what Kubernetes refuses as the name of a namespace, Service or port. */
export function assertDnsLabel(value: string, what: string): string {
  if (typeof value !== 'string') throw new Error(`${JSON.stringify(value)} is no ${what}: write its name`);
  if (!DNS_LABEL.test(value) || value.length > LABEL_LENGTH) {
    throw new Error(
      `"${value}" is no ${what}: Kubernetes takes at most ${LABEL_LENGTH} lower-case letters, digits and "-", ` +
        'beginning and ending with a letter or digit',
    );
  }
  return value;
}

/** Refuses what Kubernetes refuses as the name of a service account, Secret or ConfigMap. */
export function assertObjectName(value: string, what: string): string {
  if (typeof value !== 'string') throw new Error(`${JSON.stringify(value)} is no ${what}: write its name`);
  if (value.length > 253 || !value.split('.').every((label) => DNS_LABEL.test(label))) {
    throw new Error(`"${value}" is no ${what}: Kubernetes takes lower-case letters, digits, "-" and ".", at most 253`);
  }
  return value;
}

/**
 * Refuses what Kubernetes refuses as labels. @see
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
 */
export function assertLabels(labels: Record<string, string>): void {
  for (const [key, value] of Object.entries(labels)) {
    assertQualifiedName(key, 'label');
    if (typeof value !== 'string' || !/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(value)) {
      throw new Error(
        `${JSON.stringify(value)} is no value for the label "${key}": Kubernetes takes at most 63 letters, ` +
          'digits, "-", "_" and ".", beginning and ending with a letter or digit',
      );
    }
  }
}

/** Refuses labels that select nothing in particular. */
export function assertSelector(labels: Record<string, string>): void {
  if (Object.keys(labels ?? {}).length === 0)
    throw new Error('no labels: without any, every pod of the namespace is selected; name at least one label');
  assertLabels(labels);
}

/** Refuses what Kubernetes refuses as annotations. */
export function assertAnnotations(annotations: Record<string, string>): void {
  for (const [key, value] of Object.entries(annotations)) {
    assertQualifiedName(key, 'annotation');
    if (typeof value !== 'string')
      throw new Error(
        `${JSON.stringify(value)} is no value for the annotation "${key}": Kubernetes takes text only; write ` +
          `${JSON.stringify(String(value))}`,
      );
  }
}

function assertQualifiedName(key: string, what: string): void {
  const [name, prefix, ...rest] = key.split('/').reverse();
  const prefixFits =
    prefix === undefined || (prefix.length <= 253 && prefix.split('.').every((label) => DNS_LABEL.test(label)));
  if (rest.length > 0 || !prefixFits || !/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(name)) {
    throw new Error(
      `"${key}" is no ${what} name: Kubernetes takes at most 63 letters, digits, "-", "_" and ".", with or ` +
        'without a DNS name and "/" before them',
    );
  }
}

/**
 * Whether one pod could carry both sets of labels: only a label of the same name with different values keeps them
 * apart.
 */
export function canSelectSamePod(a: Record<string, string>, b: Record<string, string>): boolean {
  return Object.entries(a).every(([key, value]) => b[key] === undefined || b[key] === value);
}
