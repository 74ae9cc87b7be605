import { isIP } from 'net';
import { Address, holds, isOfIPv6, undeterminedIn } from '../objects/addresses';
import { FieldRef } from '../answer/answer';
import { someOf } from '../answer/certainty';
import { SAY_ADDRESS } from '../answer/conditions';
import { Injection, injectionOf, podField } from '../objects/injection';
import { proxyConfigOf } from '../objects/proxy-config';
import { PodDns, podDnsOf } from '../objects/pod-dns';
import { Registry } from '../registry/registry';
import { labelsOf, ModelCaller } from '../requests/request';
import { Undetermined } from '../answer/undetermined';
import { unusualPod } from './unusual-pods';
import { isTrue } from '../../istio/booleans';
import { PROXY_CONFIG } from '../../istio/injection';
import { podTemplateOf } from '../../istio/pod-templates';
import { holdsUnknownAddress } from '../../istio/ranges';
import { Indexed } from '../../manifests/indexed';

/** A caller's pod, as far as its traffic is concerned. */
export interface CallerPod {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  /** The object whose pod template describes it. */
  readonly template?: Indexed;
  readonly dnsCapture: boolean;
  /** How it looks up names, where that is not usual. */
  readonly dns?: PodDns;
  /** Whether it is said if its sidecar answers DNS: by the caller, the mesh or the pod's template. */
  readonly isDnsCaptureSaid: boolean;
  /** Whether its sidecar takes IPv6, in a dual-stack mesh. */
  readonly dualStack: boolean;
  readonly injection: Injection;
  /** Why the model does not know where its traffic goes, if it does not. */
  readonly unknown?: Undetermined;
}

const PREFIX = 'traffic.sidecar.istio.io/';
const KNOWN = new Set([
  'includeOutboundIPRanges',
  'excludeOutboundIPRanges',
  'includeOutboundPorts',
  'excludeOutboundPorts',
  'includeInboundPorts',
  'excludeInboundPorts',
]);

/** Those of which `*` means all. */
const ALL = new Set(['includeOutboundIPRanges', 'includeInboundPorts']);

/** The caller's pod; its annotations come from the pod template that has its labels. */
export function callerPod(registry: Registry, caller: ModelCaller): CallerPod {
  const labels = labelsOf(caller);
  const template = caller.annotations ? undefined : templateFor(registry, caller.namespace, labels);
  const metadata = template && podTemplateOf(template.manifest)?.metadata;
  const annotations: Record<string, string> = {
    ...(caller.annotations ?? metadata?.annotations),
    ...Object.fromEntries(Object.entries(caller.capture ?? {}).map(([key, value]) => [`${PREFIX}${key}`, value])),
  };
  const { namespace, serviceAccount } = caller;
  const facts = { namespace, serviceAccount, labels: { ...labels, ...metadata?.labels }, annotations, template };
  const injection = injectionOf(registry.index, facts);
  const config = proxyConfigOf(annotations);
  const variables = config?.proxyMetadata ?? {};
  return {
    namespace,
    serviceAccount,
    labels,
    annotations,
    template,
    dns: template && podDnsOf(template),
    isDnsCaptureSaid:
      (caller.dnsCapture ?? registry.world.mesh?.dnsCapture ?? caller.annotations ?? template) !== undefined,
    dnsCapture: caller.dnsCapture ?? isTrue(variables.ISTIO_META_DNS_CAPTURE ?? registry.world.mesh?.dnsCapture),
    dualStack: isTrue(variables.ISTIO_DUAL_STACK ?? true),
    injection,
    unknown: unusualPod(registry.index, facts, injection.injected, config),
  };
}

/** Whether a connection is redirected to the sidecar; if not, the annotation that excludes it. */
export function isCaptured(pod: CallerPod, address: Address, port: number): { captured: boolean; cause?: FieldRef } {
  const annotation = (key: string): FieldRef => podField(pod, 'metadata', 'annotations', key);
  if (pod.unknown) throw pod.unknown;
  if (!pod.injection.injected) return { captured: false, cause: pod.injection.cause };
  if (isOfIPv6(address) && !pod.dualStack) return { captured: false, cause: annotation(PROXY_CONFIG) };
  const written = Object.keys(pod.annotations).filter((key) => key.startsWith(PREFIX));
  if (written.length === 0) return { captured: true };
  const unknown = written.find((key) => !KNOWN.has(key.slice(PREFIX.length)));
  if (unknown !== undefined)
    throw new Undetermined(`the model does not know the annotation ${unknown}`, [annotation(unknown)]);
  const text = (name: string) => pod.annotations[`${PREFIX}${name}`];
  const refused = written.find((key) => !isTaken(key.slice(PREFIX.length), pod.annotations[key]));
  if (refused !== undefined)
    throw new Undetermined(
      `no pod starts with ${refused}: ${JSON.stringify(pod.annotations[refused])}, which is not a list of ` +
        `${refused.endsWith('Ranges') ? 'ranges (CIDR, without spaces)' : 'ports'}`,
      [annotation(refused)],
    );
  const ports = (name: string) => (text(name) ?? '').split(',').filter(Boolean).map(Number);
  const within = (name: string) => {
    const ranges = (text(name) ?? '').split(',').filter(Boolean);
    const isHeld = someOf(ranges, (range) => {
      if (range === '*') return true;
      if (address.kind === 'unknown' && holdsUnknownAddress(range) !== false) {
        throw new Undetermined(`it is unknown whether ${address.host} has an address in ${range}: ${SAY_ADDRESS}`, [
          annotation(`${PREFIX}${name}`),
        ]);
      }
      return holds(range, address);
    });
    if (isHeld === undefined) throw undeterminedIn(ranges.join(), address, [annotation(`${PREFIX}${name}`)]);
    return isHeld;
  };
  if (ports('excludeOutboundPorts').includes(port))
    return { captured: false, cause: annotation(`${PREFIX}excludeOutboundPorts`) };
  if (within('excludeOutboundIPRanges'))
    return { captured: false, cause: annotation(`${PREFIX}excludeOutboundIPRanges`) };
  if (ports('includeOutboundPorts').includes(port)) return { captured: true };
  if (text('includeOutboundIPRanges') !== undefined && !within('includeOutboundIPRanges'))
    return { captured: false, cause: annotation(`${PREFIX}includeOutboundIPRanges`) };
  return { captured: true };
}

/** Whether the injector and the capture take the value of an annotation. */
function isTaken(name: string, value: string): boolean {
  if (value.trim() === '' || (value === '*' && ALL.has(name))) return true;
  return value.split(',').every(name.endsWith('Ranges') ? isCidr : isPort);
}

function isCidr(text: string): boolean {
  const [address, bits = ''] = text.split('/');
  return /^\d+$/.test(bits) && Number(bits) <= { 0: -1, 4: 32, 6: 128 }[isIP(address) as 0 | 4 | 6];
}

function isPort(text: string): boolean {
  return /^\d+$/.test(text.trim()) && Number(text) <= 65535;
}

function templateFor(registry: Registry, namespace: string, labels: Record<string, string>): Indexed | undefined {
  return registry.index.podTemplates.find(
    (object) =>
      object.namespace === namespace &&
      Object.entries(labels).every(([key, value]) => podTemplateOf(object.manifest)?.metadata?.labels?.[key] === value),
  );
}
