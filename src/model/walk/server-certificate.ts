import { FieldRef } from '../answer/answer';
import { SAY_CREDENTIALS, SAY_GOOD_CREDENTIALS } from '../answer/conditions';
import { fieldRef } from '../answer/field-ref';
import { Undetermined } from '../answer/undetermined';
import { Registry } from '../registry/registry';
import { GatewayWorkload } from '../objects/gateways/workload';
import { Server } from '../proxies/gateway-servers';
import { GatewayListener } from '../proxies/gateway-listeners';
import { Layer } from './flow';
import { Leg } from './journey';

/** The versions of TLS, oldest first. */
const VERSIONS = ['TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'];
/** The oldest that proxies and applications of today accept. */
const OLDEST_OF_CLIENTS = VERSIONS.indexOf('TLSV1_2');

/** How a server of a Gateway that has a certificate of its own, not of the mesh, receives TLS. */
export type ServerReception =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'distrusted' }
  /** The handshake fails, or nobody answers, since the server waits for its certificate. */
  | { readonly kind: 'closed' | 'waiting'; readonly reason: string };

/**
 * What becomes of TLS at a server of mode SIMPLE, MUTUAL or OPTIONAL_MUTUAL. Secrets of an access table hold
 * certificates of clients, which nobody who verifies the server accepts.
 */
export function receiveAtServer(
  { world, index }: Registry,
  { namespace }: GatewayWorkload,
  { value }: Server,
  layer: Layer,
  decidedBy: readonly FieldRef[],
): ServerReception {
  const { mode, credentialName = '', minProtocolVersion, maxProtocolVersion, cipherSuites } = value.tls!;
  const unknown = new Undetermined(
    `the model does not know which certificate the server presents in mode ${mode}`,
    decidedBy,
  );
  const isWritten = index.secrets.some((one) => one.namespace === namespace && one.name === credentialName);
  if (!/^[a-z0-9-]+$/.test(credentialName) || world.secrets === undefined || isWritten) throw unknown;
  const secret = world.secrets.find((one) => one.namespace === namespace && one.name === credentialName);
  if (secret === undefined)
    return { kind: 'waiting', reason: `namespace ${namespace} has no Secret ${credentialName}` };
  const newest = VERSIONS.indexOf(maxProtocolVersion ?? '');
  if (newest >= 0 && newest < Math.max(VERSIONS.indexOf(minProtocolVersion ?? ''), OLDEST_OF_CLIENTS))
    return { kind: 'closed', reason: `the server speaks no TLS after ${maxProtocolVersion} that clients accept` };
  // Before TLS 1.3 the suites decide, by the kind of key in the certificate.
  if (newest === OLDEST_OF_CLIENTS && cipherSuites?.length) throw unknown;
  if (secret.holds === 'ca-certificates')
    return { kind: 'closed', reason: `Secret ${namespace}/${credentialName} holds no certificate of a server` };
  if (layer.by === 'application') return { kind: 'distrusted' };
  const { mode: given, insecureSkipVerify, credentialName: ofHop, caCertificates } = layer.settings!.value;
  if (given === 'ISTIO_MUTUAL' || (given === 'SIMPLE' && !insecureSkipVerify && !ofHop && !caCertificates))
    return {
      kind: 'closed',
      reason: 'the hop verifies the server, whose certificate no authority that it trusts signed',
    };
  if (!insecureSkipVerify || given !== 'SIMPLE') throw unknown;
  return mode === 'MUTUAL'
    ? { kind: 'closed', reason: 'the server requires a client certificate and receives none' }
    : { kind: 'accepted' };
}

/**
 * A listener waits for the certificates of all its servers: without one of them, it is as it was before, or there is
 * none.
 */
export function waitForCertificates(leg: Leg, workload: GatewayWorkload, listener: GatewayListener, own: Server): void {
  const { registry } = leg.configuration;
  const told = new Set<string>();
  for (const { server, inFiles, lacking } of leg.configuration.missingCertificates(workload, listener)) {
    if (server === own) continue;
    const what = `the certificate of another server on the port (${server.gatewayName})`;
    if (lacking || (registry.world.secrets && !inFiles))
      throw new Undetermined(
        `a listener without ${what} does not begin, or keeps what it had before${lacking ? `: ${lacking}` : ''}`,
        [fieldRef(server.gateway, `${server.field}.tls`)],
      );
    const holds = `the gateway has ${inFiles ? 'the files of ' : ''}${what}`;
    if (registry.world.goodCredentials || told.has(holds)) continue;
    told.add(holds);
    leg.require({ holds, say: inFiles ? SAY_GOOD_CREDENTIALS : SAY_CREDENTIALS });
  }
}
