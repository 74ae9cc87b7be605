import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { sayGateway } from '../objects/gateways/standard';
import { GatewayWorkload } from '../objects/gateways/workload';
import { rulesByIdentity } from '../policies/authorization';
import { ServerChain } from '../proxies/gateway-listeners';
import { Server } from '../proxies/gateway-servers';
import { Destination } from '../routes/destination';
import { deadEnd } from './connecting';
import { Flow, Layer, outermost, settingsOf } from './flow';
import { Ending, Leg } from './journey';
import { receiveAtServer } from './server-certificate';

type ServerTls = NonNullable<Server['value']['tls']>;

/** The layer of TLS that a server terminates, or why the handshake fails. */
export function terminateTls(
  leg: Leg,
  flow: Flow,
  workload: GatewayWorkload,
  { server, destinations }: ServerChain,
  tls: ServerTls,
): Layer | Ending {
  const at = (field: '' | `.${string}`) => [fieldRef(server.gateway, `${server.field}.tls${field}`)];
  const layer = outermost(flow);
  if (!layer) return leg.refuse('gateway', 503, 'the server expects TLS and receives plaintext', at(''));
  // The application is shown a certificate before it would have to present one of its own.
  const distrusted = (whose: string, causes: FieldRef[]): Ending => {
    const closed = destinations && closedBefore(leg, workload, destinations);
    if (closed) return closed;
    const reason = `the server presents a certificate of ${whose}, which the application does not trust`;
    leg.step('gateway', 'ends', reason, causes);
    return { outcome: 'refused', symptom: 'certificate-rejected', by: 'gateway', reason, causes };
  };
  if (tls.mode !== 'ISTIO_MUTUAL') {
    const received = receiveAtServer(leg.configuration.registry, workload, server, layer, at(''));
    if (received.kind === 'accepted') return layer;
    if (received.kind === 'distrusted') return distrusted('its own', at('.credentialName'));
    const { reason } = received;
    const waits = (isWaiting: boolean) => `the proxy ${isWaiting ? 'does not listen yet' : 'closes the connection'}`;
    const isTimeout = received.kind === 'waiting' && leg.oneOf([false, true], waits);
    const ending = leg.closedAtGateway(reason, at(''));
    return isTimeout ? { ...ending, symptom: 'timeout' } : ending;
  }
  if (layer.by === 'application') return distrusted('the mesh', at('.mode'));
  if (layer.identity === undefined) {
    return leg.closedAtGateway('the server requires mutual TLS of the mesh and receives other TLS', [
      ...settingsOf(layer, 'mode'),
      ...at('.mode'),
    ]);
  }
  const wanted = layer.settings!.value.subjectAltNames ?? [];
  const { trustDomain } = leg.configuration.registry;
  const account = workload.serviceAccount ?? workload.usualAccount ?? 'unknown';
  const own = `spiffe://${trustDomain}/ns/${workload.namespace}/sa/${account}`;
  const accounts = accountsAmong(wanted, workload, trustDomain);
  if (wanted.length > 0 && workload.serviceAccount === undefined && accounts.length > 0) {
    if (!accounts.includes(workload.usualAccount))
      leg.require({
        holds: `the pods of ${workload.id} run as service account ${accounts.join(' or ')}`,
        say: sayGateway(workload.id, {
          labels: workload.labels,
          serviceAccount: accounts[0],
          targetPort: workload.namedPort,
        }),
      });
  } else if (wanted.length > 0 && !wanted.includes(own)) {
    return leg.closedAtGateway(
      `the identity of the gateway is ${own}, but the caller accepts only ${wanted.join(' or ')}`,
      settingsOf(layer, 'subjectAltNames'),
    );
  }
  const allowed = tls.subjectAltNames ?? [];
  if (allowed.length > 0 && !allowed.includes(layer.identity)) {
    return leg.closedAtGateway(
      `the server accepts only ${allowed.join(', ')}, but the caller is ${layer.identity}`,
      at('.subjectAltNames'),
    );
  }
  return layer;
}

/** A server that reads no requests connects to the destination before the handshake, and closes where it cannot. */
function closedBefore(leg: Leg, workload: GatewayWorkload, destinations: readonly Destination[]): Ending | undefined {
  const { configuration } = leg;
  const scope = configuration.gatewayScope(workload);
  const ends = destinations.map((one) => {
    const [cluster] = configuration.clustersFor(scope, one);
    const reason = deadEnd(cluster, one.host);
    return reason === undefined ? undefined : { reason, causes: [...one.decidedBy, ...cluster.decidedBy] };
  });
  if (ends.every((one) => one === undefined)) return undefined;
  const end = leg.oneOf(ends, (one) => `the gateway ${one ? 'cannot connect' : 'connects'} to the destination`, true);
  return end && leg.closedAtGateway(end.reason, end.causes);
}

/** The service accounts of the gateway's namespace among the identities that a caller accepts. */
function accountsAmong(wanted: readonly string[], { namespace }: GatewayWorkload, trustDomain: string) {
  const prefix = `spiffe://${trustDomain}/ns/${namespace}/sa/`;
  return wanted.filter((one) => one.startsWith(prefix)).map((one): string | undefined => one.slice(prefix.length));
}

/** The caller's principal as the gateway knows it: from the certificate of the hop, or not at all. */
export function identify(
  leg: Leg,
  workload: GatewayWorkload,
  { gateway, field, value, serverNames, hosts }: Server,
  peer: string | undefined,
): string | undefined {
  const identity = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/(.+)$/.exec(peer ?? '');
  const isListed = identity !== null && (value.tls?.subjectAltNames?.length ?? 0) > 0;
  const caller = identity ? `caller ${isListed ? 'allowed by name' : 'known'}` : 'caller not known';
  leg.step(
    'gateway',
    'arrives',
    `${workload.id}: server for ${serverNames.join(', ') || hosts.join(', ')}, ${caller}`,
    [fieldRef(gateway, isListed ? `${field}.tls.subjectAltNames` : field)],
  );
  if (identity) {
    const [, trustDomain, namespace, serviceAccount] = identity;
    // What a further gateway sees is the one before it.
    if (leg.gateway === workload.id) leg.certified ??= `${namespace}/${serviceAccount}`;
    return `${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
  }
  leg.remark({
    code: 'no-identity',
    message: "the gateway does not know the caller's identity: the hop to it is not mutual TLS of the mesh",
    decidedBy: [fieldRef(gateway, `${field}${value.tls ? '.tls.mode' : ''}`)],
  });
  for (const rule of rulesByIdentity(leg.configuration.policies, workload)) {
    leg.remark({
      code: 'identity-asked-for',
      message:
        "a policy rule tests the caller's identity, which the gateway does not know here: the rule never matches",
      decidedBy: [rule],
    });
  }
  return undefined;
}
