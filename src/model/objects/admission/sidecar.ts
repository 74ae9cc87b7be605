import { checkConnectionPool } from './destination-rule';
import {
  checkBind,
  isFullName,
  isLabel,
  isSocket,
  checkPort,
  reject,
  repeatedIn,
  checkScopedName,
  checkSelector,
  checkSubsetName,
} from './names';
import { isTls, upper } from '../../../istio/protocols';
import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs } from '../../../manifests/specs';

type Spec = IstioSpecs['Sidecar'];

export function checkSidecar(spec: Spec): void {
  const { egress = [], ingress = [], outboundTrafficPolicy: policy, inboundConnectionPool } = spec;
  if (egress.length + ingress.length === 0 && !policy && !inboundConnectionPool) reject('spec', 'sets nothing');
  const twice = repeatedIn(egress.map(({ port }) => port?.number));
  for (const [at, { port, bind = '', hosts = [] }] of egress.entries()) {
    const field: FieldPath = `spec.egress[${at}]`;
    if (!port && at < egress.length - 1) reject(field, 'the listener for all other ports must be the last one');
    if (port) {
      if (!isSocket(bind)) checkPort(`${field}.port.number`, port.number ?? 0);
      if (port.name && !isLabel(port.name))
        reject(`${field}.port.name`, `"${port.name}" is not made of letters, digits and "-"`);
      checkBind(`${field}.bind`, bind);
      if (port.number && twice.has(at)) reject(`${field}.port.number`, `${port.number} has another listener`);
    }
    if (hosts.length === 0) reject(`${field}.hosts`, 'there is no host');
    for (const [index, host] of hosts.entries()) checkScopedName(`${field}.hosts[${index}]`, host, false);
  }
  if (inboundConnectionPool) checkConnectionPool(inboundConnectionPool, 'spec.inboundConnectionPool');
  const inboundTwice = repeatedIn(ingress.map(({ port }) => port?.number));
  for (const [at, { port, tls, connectionPool, defaultEndpoint = '' }] of ingress.entries()) {
    const field: FieldPath = `spec.ingress[${at}]`;
    checkPort(`${field}.port.number`, port?.number ?? 0);
    if (port?.name && !isLabel(port.name))
      reject(`${field}.port.name`, `"${port.name}" is not made of letters, digits and "-"`);
    if (connectionPool) checkConnectionPool(connectionPool, `${field}.connectionPool`);
    if (inboundTwice.has(at)) reject(`${field}.port.number`, `${port?.number} has another listener`);
    if (tls && (!isTls(upper(port?.protocol)) || tls.mode === 'ISTIO_MUTUAL' || tls.mode === 'AUTO_PASSTHROUGH'))
      reject(`${field}.tls`, 'is for ports in TLS, and not in this mode');
    if (defaultEndpoint && !/^(unix:\/\/.+|(127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\[::\])?:\d+)$/.test(defaultEndpoint))
      reject(`${field}.defaultEndpoint`, `"${defaultEndpoint}" is not allowed; it is like 127.0.0.1:8080`);
  }
  if (!policy?.egressProxy) return;
  const field: FieldPath = 'spec.outboundTrafficPolicy.egressProxy';
  const { host = '', port, subset } = policy.egressProxy;
  if (policy.mode !== 'ALLOW_ANY') reject(field, 'is allowed with mode ALLOW_ANY only');
  if (!port) reject(`${field}.port`, 'is missing');
  if (!isFullName(host)) reject(`${field}.host`, `"${host}" is not the name of a host`);
  checkSubsetName(`${field}.subset`, subset);
}

export function checkSidecarSchema({ workloadSelector }: Spec): void {
  checkSelector('spec.workloadSelector.labels', workloadSelector?.labels);
}
