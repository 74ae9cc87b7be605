import { connectionPoolProblems } from './destination-rule';
import {
  bindProblems,
  isFullName,
  isLabel,
  isSocket,
  portProblems,
  Problems,
  repeatedIn,
  scopedNameProblems,
  selectorProblems,
  subsetNameProblems,
} from './names';
import { isTls, upper } from '../../../istio/protocols';
import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs } from '../../../manifests/specs';

type Spec = IstioSpecs['Sidecar'];

export function* sidecarProblems(spec: Spec): Problems {
  const { egress = [], ingress = [], outboundTrafficPolicy: policy, inboundConnectionPool } = spec;
  if (egress.length + ingress.length === 0 && !policy && !inboundConnectionPool)
    yield { field: 'spec', problem: 'sets nothing' };
  const twice = repeatedIn(egress.map(({ port }) => port?.number));
  for (const [at, { port, bind = '', hosts = [] }] of egress.entries()) {
    const field: FieldPath = `spec.egress[${at}]`;
    if (!port && at < egress.length - 1)
      yield { field, problem: 'the listener for all other ports must be the last one' };
    if (port) {
      if (!isSocket(bind)) yield* portProblems(`${field}.port.number`, port.number ?? 0);
      if (port.name && !isLabel(port.name))
        yield { field: `${field}.port.name`, problem: `"${port.name}" is not made of letters, digits and "-"` };
      yield* bindProblems(`${field}.bind`, bind);
      if (port.number && twice.has(at))
        yield { field: `${field}.port.number`, problem: `${port.number} has another listener` };
    }
    if (hosts.length === 0) yield { field: `${field}.hosts`, problem: 'there is no host' };
    for (const [index, host] of hosts.entries()) yield* scopedNameProblems(`${field}.hosts[${index}]`, host, false);
  }
  if (inboundConnectionPool) yield* connectionPoolProblems(inboundConnectionPool, 'spec.inboundConnectionPool');
  const inboundTwice = repeatedIn(ingress.map(({ port }) => port?.number));
  for (const [at, { port, tls, connectionPool, defaultEndpoint = '' }] of ingress.entries()) {
    const field: FieldPath = `spec.ingress[${at}]`;
    yield* portProblems(`${field}.port.number`, port?.number ?? 0);
    if (port?.name && !isLabel(port.name))
      yield { field: `${field}.port.name`, problem: `"${port.name}" is not made of letters, digits and "-"` };
    if (connectionPool) yield* connectionPoolProblems(connectionPool, `${field}.connectionPool`);
    if (inboundTwice.has(at)) yield { field: `${field}.port.number`, problem: `${port?.number} has another listener` };
    if (tls && (!isTls(upper(port?.protocol)) || tls.mode === 'ISTIO_MUTUAL' || tls.mode === 'AUTO_PASSTHROUGH'))
      yield { field: `${field}.tls`, problem: 'is for ports in TLS, and not in this mode' };
    if (defaultEndpoint && !/^(unix:\/\/.+|(127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\[::\])?:\d+)$/.test(defaultEndpoint))
      yield {
        field: `${field}.defaultEndpoint`,
        problem: `"${defaultEndpoint}" is not allowed; it is like 127.0.0.1:8080`,
      };
  }
  if (!policy?.egressProxy) return;
  const field: FieldPath = 'spec.outboundTrafficPolicy.egressProxy';
  const { host = '', port, subset } = policy.egressProxy;
  if (policy.mode !== 'ALLOW_ANY') yield { field, problem: 'is allowed with mode ALLOW_ANY only' };
  if (!port) yield { field: `${field}.port`, problem: 'is missing' };
  if (!isFullName(host)) yield { field: `${field}.host`, problem: `"${host}" is not the name of a host` };
  yield* subsetNameProblems(`${field}.subset`, subset);
}

export function* sidecarSchemaProblems({ workloadSelector }: Spec): Problems {
  yield* selectorProblems('spec.workloadSelector.labels', workloadSelector?.labels);
}
