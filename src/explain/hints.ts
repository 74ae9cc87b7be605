import { Question } from './candidates';
import { find } from './candidates/question';
import { indexOf } from './lookups';
import { hopNamesOf, hopServiceOf, missingAtGateway, OwnPath, ownPathsOf } from './own-paths';
import { constructOf, pathsOf } from './which-construct';
import { hostOf, isTcpRequest, portOfRequest, urlOf } from '../access/request-url';
import { podTemplateOf } from '../istio/pod-templates';
import { portsOf } from '../istio/protocols';
import { covers } from '../istio/hosts';
import { Indexed, IstioObject, joinWords } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { refsOf } from '../model/answer/field-ref';
import { Answer, EgressModel, ModelCaller, ModelRequest } from '../model';
import { GATEWAY_LABEL } from '../values/gateway-label';
import { assertHostName, CHECKED_HOP_DOMAIN } from '../values/host-name';

type ServiceEntry = IstioObject<'ServiceEntry'>;
type Asked = Pick<Question, 'index' | 'answer' | 'caller' | 'request'> & {
  readonly host: string;
  readonly port: number;
};

/**
 * What to change in the program of this library's constructs, as the annotations and private names of their objects
 * tell. Unlike a proposed change, no hint is tried.
 */
export function hints(model: EgressModel, caller: ModelCaller, request: ModelRequest, answer: Answer): string[] {
  const index = indexOf(model);
  // What the host refuses has left the cluster: that is between it and the caller.
  if (answer.outcome === 'answered' || answer.by === 'host') return [];
  if (!index.kinds.flat().some((one) => pathsOf(one).length > 0)) return [];
  const host = hostOf(urlOf(request.url));
  const asked: Asked = { index, answer, caller, request, host, port: portOfRequest(request.url) ?? 80 };
  const paths = ownPathsOf(index, host);
  const placed = paths.filter(({ callerSide }) => callerSide.some(({ namespace }) => namespace === caller.namespace));
  const met = placed.filter(({ key }) => refsOf(answer).some(({ name }) => name.includes(key)));
  const own = met.length > 0 ? met : placed;
  const found =
    own.length > 0
      ? own.flatMap((path) => ofPath(asked, path))
      : paths.length > 0
        ? paths.flatMap((path) => fromElsewhere(asked, path))
        : undeclared(asked);
  return [...new Set(found.length > 0 ? found : atBoundary(asked, own))];
}

/** What the egress path of the caller's namespace lacks, the most likely cause alone. */
function ofPath(asked: Asked, path: OwnPath): string[] {
  return [unlocked, wrongGateway, halfApplied, undeclaredPort].flatMap((hint) => hint(asked, path) ?? []).slice(0, 1);
}

/** Names whose callers a policy checks pass a locked gateway only by a grant, which is written where the lock is known. */
function unlocked({ index, answer }: Asked, path: OwnPath): string | undefined {
  const lock = answer.causes.find(({ kind, name }) => kind === 'AuthorizationPolicy' && name.endsWith(LOCK));
  const checked = hopNamesOf(index, path).find((name) => name.endsWith(`.${CHECKED_HOP_DOMAIN}`));
  if (lock === undefined || checked === undefined) return undefined;
  const written = find(index, lock);
  if (written === undefined || pathsOf(written).length === 0) return undefined; // The lock of another author.
  // The policies of a set of callers have its key in their names; the names of its servers end with it.
  const [key] = checked
    .slice(0, -CHECKED_HOP_DOMAIN.length - 1)
    .split('.')
    .slice(-1);
  const policies = index.ofKind('AuthorizationPolicy').filter(({ namespace }) => namespace === lock.namespace);
  if (policies.some(({ name }) => name.endsWith(`-${key}${GRANT}`))) return undefined; // It lets others in.
  const refusal = policies.find(({ name }) => name.endsWith(`-${key}`));
  const grant = `${lock.namespace}/${refusal?.name ?? `…-${key}`}${GRANT}`;
  // Any other set than all of a namespace is written for locked gateways only.
  const isForLocked = refusal !== undefined && !refusal.name.endsWith(`-namespace-${key}`);
  return (
    `${path.construct}: its gateway is locked (AuthorizationPolicy ${lock.namespace}/${lock.name}): apply its grant, ` +
    `AuthorizationPolicy ${grant}` +
    (isForLocked
      ? ''
      : ', or, if it was written for a gateway that is not locked: `lockedDown: true` in its ' +
        'GatewayInstallation.egressGateway(…)')
  );
}

const GRANT = '-grant';
const LOCK = '-lockdown';

/** A gateway of another kind than the one that the namespace has. */
function wrongGateway({ index }: Asked, path: OwnPath): string | undefined {
  const hop = hopServiceOf(path);
  if (hop === undefined || index.services.some((one) => one.namespace === hop.namespace && one.name === hop.name))
    return undefined;
  // Their Deployments have the names of the gateways.
  const [name, ...others] = index.podTemplates
    .filter(({ namespace }) => namespace === hop.namespace)
    .filter(({ manifest }) => podTemplateOf(manifest)?.metadata?.labels?.[GATEWAY_LABEL] !== undefined)
    .map((template) => template.name);
  if (name === undefined || [name, ...others].some((one) => hop.name === `${one}-hop`)) return undefined;
  const isLocked = index
    .ofKind('AuthorizationPolicy')
    .some((policy) => policy.namespace === hop.namespace && policy.name === `${name}${LOCK}`);
  const options = [
    `namespace: ${JSON.stringify(hop.namespace)}`,
    ...(name === 'egress-gateway' ? [] : [`name: ${JSON.stringify(name)}`]),
    ...(isLocked ? ['lockedDown: true'] : []),
  ];
  return (
    `${path.construct} leads to Service ${hop.namespace}/${hop.name}, which is not among the manifests, and namespace ` +
    `${hop.namespace} has the EgressGateway ${name}: is GatewayInstallation.egressGateway({ ${options.join(', ')} }) meant?`
  );
}

function halfApplied({ index }: Asked, path: OwnPath): string | undefined {
  const missing = missingAtGateway(index, path);
  if (missing.length === 0) return undefined;
  const what =
    path.gatewaySide.length === 0
      ? `none of its objects in namespace ${hopServiceOf(path)?.namespace} is among the manifests (${missing[0]}, …)`
      : `${joinWords(missing)} ${missing.length === 1 ? 'is' : 'are'} not among the manifests`;
  return `${path.construct}: ${what}: apply its gateway side, which is in the chart \`gatewayChart\` if it names one`;
}

function undeclaredPort({ port, request }: Asked, { construct, callerSide }: OwnPath): string | undefined {
  const entries = callerSide.filter((one): one is ServiceEntry => one.kind === 'ServiceEntry');
  if (entries.length === 0 || entries.some((entry) => portsOf(entry).some(({ number }) => number === port)))
    return undefined;
  return `${construct}: add ${portFor(request.url, port)} to \`ports\``;
}

function portFor(url: string, port: number): string {
  const factory = isTcpRequest(url) ? 'tcp' : urlOf(url).protocol === 'https:' ? 'tls' : 'http';
  return `EgressPort.${factory}(${port})`;
}

/** The host is declared, but not for the namespace of the caller, or its objects there are not among the manifests. */
function fromElsewhere({ index, caller: { namespace, serviceAccount }, host }: Asked, path: OwnPath): string[] {
  const { construct, isForGateway, callerSide, gatewaySide } = path;
  if (callerSide.length === 0 && admits(index.ofKind('AuthorizationPolicy'), path, { namespace, serviceAccount }))
    return [
      `${construct}: its objects in namespace ${namespace} are not among the manifests: apply its callers' chart`,
    ];
  // The namespace has an entry of its own, which is what lacks something.
  if (index.ofKind('ServiceEntry').some((entry) => entry.namespace === namespace && isFor(entry, host))) return [];
  if (gatewaySide.length > 0 || isForGateway)
    return [
      `${construct} names no caller of namespace ${namespace}: ` +
        `add Caller.serviceAccount("${namespace}", "${serviceAccount}") to \`callers\``,
    ];
  const places = joinWords([...new Set(callerSide.map((one) => one.namespace))]);
  return [`${construct} is for namespace ${places}: write a SidecarEgress for namespace ${namespace}`];
}

/** Whether the gateway side names a caller, in its servers or in policies of the same construct. */
function admits(
  policies: readonly Indexed[],
  { gatewaySide }: OwnPath,
  { namespace, serviceAccount }: Pick<ModelCaller, 'namespace' | 'serviceAccount'>,
): boolean {
  const constructs = new Set(gatewaySide.flatMap(pathsOf));
  const own = policies.filter((policy) => pathsOf(policy).some((path) => constructs.has(path)));
  const text = JSON.stringify([...gatewaySide, ...own].map(({ spec }) => spec));
  return (
    [serviceAccount, '*'].some((account) => text.includes(`/ns/${namespace}/sa/${account}"`)) ||
    text.includes(`/ns/${namespace}/*"`)
  );
}

function undeclared({ index, answer, caller: { namespace, serviceAccount }, host }: Asked): string[] {
  const isWritten = index.ofKind('ServiceEntry').some((entry) => isFor(entry, host));
  if (isWritten || answer.by === 'gateway' || !isAccepted(index, host)) return [];
  const hosts = `hosts: [${JSON.stringify(host)}]`;
  const caller = `Caller.serviceAccount("${namespace}", "${serviceAccount}")`;
  return [
    `no construct declares ${host} for namespace ${namespace}: write a GatewayEgress with { ${hosts}, ` +
      `callers: [${caller}] }, or a SidecarEgress with { ${hosts} } for that namespace`,
  ];
}

/** Whether the constructs take a name for that of an external host. */
function isAccepted({ services, clusterDomain }: ManifestIndex, host: string): boolean {
  if (services.some(({ namespace, name }) => host === `${name}.${namespace}`)) return false;
  try {
    return assertHostName(host, { clusterDomain }) === host;
  } catch {
    return false;
  }
}

/** The prop by which a boundary of another app learns of what it cannot see. */
function atBoundary({ index, answer, caller, port }: Asked, own: readonly OwnPath[]): string[] {
  return answer.causes.flatMap((cause) => {
    const policy = cause.kind === 'NetworkPolicy' ? find(index, cause) : undefined;
    const construct = policy && constructOf(policy, index);
    if (construct === undefined) return [];
    if (cause.namespace !== caller.namespace)
      return cause.field?.startsWith('spec.ingress')
        ? [`${construct}: add "${caller.namespace}" to \`callerNamespaces\``]
        : [`${construct}: add ${port} to \`gatewayPorts\` (by default 80 and 443)`];
    if (own.some((path) => hopServiceOf(path))) return [`${construct}: name the gateway in \`gateways\``];
    return own.length > 0 ? [`${construct}: add ${port} to \`unsafeSidecarPorts\``] : [];
  });
}

function isFor({ spec }: ServiceEntry, host: string): boolean {
  return spec.hosts?.some((name) => covers(name, host)) ?? false;
}
