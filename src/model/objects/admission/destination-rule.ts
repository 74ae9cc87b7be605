import {
  exportProblems,
  isFullName,
  labelProblems,
  nameProblems,
  portProblems,
  Problems,
  repeatedIn,
  selectorProblems,
  shareProblems,
  subsetNameProblems,
} from './names';
import { isIP } from 'net';
import { loadBalancerProblems } from './load-balancer';
import { trafficSettings } from './traffic-settings';
import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs, Of, TlsSettings, TrafficPolicy } from '../../../manifests/specs';
import { isDuration, millisecondsOf } from '../../../schema/durations';

export function* destinationRuleProblems(spec: IstioSpecs['DestinationRule'], namespace: string): Problems {
  const { host, trafficPolicy, subsets = [], exportTo, workloadSelector } = spec;
  yield* nameProblems('spec.host', host);
  yield* trafficPolicyProblems(trafficPolicy, 'spec.trafficPolicy', namespace);
  const twice = repeatedIn(subsets.map(({ name }) => name));
  for (const [at, subset] of subsets.entries()) {
    const field = `spec.subsets[${at}]` as const;
    yield* subsetNameProblems(`${field}.name`, subset.name);
    if (twice.has(at)) yield { field: `${field}.name`, problem: `${subset.name} is declared twice` };
    yield* labelProblems(`${field}.labels`, subset.labels);
    yield* trafficPolicyProblems(subset.trafficPolicy, `${field}.trafficPolicy`, namespace);
  }
  yield* exportProblems(exportTo, namespace);
  if (workloadSelector && exportTo?.some((one) => one !== '.' && one !== namespace))
    yield { field: 'spec.exportTo', problem: 'a rule with a workloadSelector is for its own namespace only' };
}

export function* destinationRuleSchemaProblems(spec: IstioSpecs['DestinationRule']): Problems {
  yield* selectorProblems('spec.workloadSelector.matchLabels', spec.workloadSelector?.matchLabels);
  for (const [{ loadBalancer, outlierDetection }, field] of trafficSettings(spec)) {
    const { minimumPercent = 0 } = loadBalancer?.warmup ?? {};
    if (minimumPercent > 100)
      yield { field: `${field}.loadBalancer.warmup.minimumPercent`, problem: `${minimumPercent} is above 100` };
    const wrong = outlierDetection?.outlierDetectionHttpErrorCodes?.find((code) => code < 100 || code > 599);
    if (wrong !== undefined)
      yield {
        field: `${field}.outlierDetection.outlierDetectionHttpErrorCodes`,
        problem: `${wrong} is not a status from 100 to 599`,
      };
  }
}

function* trafficPolicyProblems(policy: TrafficPolicy | undefined, field: FieldPath, namespace: string): Problems {
  if (policy === undefined || policy === null) return;
  if (Object.values(policy).every((one) => Array.isArray(one) && one.length === 0))
    yield { field, problem: 'sets nothing' };
  const interval = policy.retryBudget?.budgetInterval;
  if (interval !== undefined && !isDuration(interval))
    yield { field: `${field}.retryBudget.budgetInterval`, problem: `"${interval}" is not a duration` };
  const { tunnel, proxyProtocol } = policy as TrafficPolicy & { readonly proxyProtocol?: object };
  if (tunnel && proxyProtocol) yield { field, problem: 'only one of tunnel and proxyProtocol can be set' };
  yield* settingsProblems(policy, field, namespace);
  for (const [at, port] of (policy.portLevelSettings ?? []).entries()) {
    const own: FieldPath = `${field}.portLevelSettings[${at}]`;
    if (!port?.port) yield { field: `${own}.port`, problem: 'is missing' };
    if (!port.tls && !port.loadBalancer && !port.connectionPool && !port.outlierDetection)
      yield { field: own, problem: 'sets nothing' };
    yield* settingsProblems(port, own, namespace);
  }
  if (!tunnel) return;
  const { protocol, targetHost = '', targetPort } = tunnel;
  if (protocol && protocol !== 'CONNECT' && protocol !== 'POST')
    yield { field: `${field}.tunnel.protocol`, problem: `${protocol} is not allowed; it is CONNECT or POST` };
  if (isIP(targetHost) === 0 && !isFullName(targetHost))
    yield {
      field: `${field}.tunnel.targetHost`,
      problem: `"${targetHost}" is neither the name of a host nor an address`,
    };
  yield* portProblems(`${field}.tunnel.targetPort`, targetPort);
}

type Settings = Pick<TrafficPolicy, 'tls' | 'connectionPool' | 'outlierDetection' | 'loadBalancer'>;

/** What a policy and the settings of a port have in common. */
function* settingsProblems(
  { tls, connectionPool, outlierDetection, loadBalancer }: Settings,
  field: FieldPath,
  namespace: string,
): Problems {
  if (outlierDetection) yield* outlierProblems(outlierDetection, `${field}.outlierDetection`);
  if (connectionPool) yield* connectionPoolProblems(connectionPool, `${field}.connectionPool`);
  if (loadBalancer) yield* loadBalancerProblems(loadBalancer, `${field}.loadBalancer`);
  if (tls) yield* tlsProblems(tls, `${field}.tls`, namespace);
}

function* outlierProblems(outlier: Of<TrafficPolicy, 'outlierDetection'>, field: FieldPath): Problems {
  for (const name of ['maxEjectionPercent', 'minHealthPercent'] as const)
    yield* shareProblems(`${field}.${name}`, outlier[name]);
  if (outlier.consecutiveLocalOriginFailures && !outlier.splitExternalLocalOriginErrors)
    yield {
      field: `${field}.consecutiveLocalOriginFailures`,
      problem: 'needs splitExternalLocalOriginErrors: true',
    };
}

export function* connectionPoolProblems(pool: Of<TrafficPolicy, 'connectionPool'>, field: FieldPath): Problems {
  if (!pool.tcp && !pool.http) yield { field, problem: 'sets nothing' };
  if (pool.http?.useClientProtocol && pool.http.h2UpgradePolicy === 'UPGRADE')
    yield { field: `${field}.http.useClientProtocol`, problem: 'is not allowed with h2UpgradePolicy UPGRADE' };
  const keepAlive = pool.http?.http2KeepAlive;
  for (const name of ['interval', 'timeout'] as const)
    if (keepAlive && keepAlive[name] === undefined)
      yield { field: `${field}.http.http2KeepAlive.${name}`, problem: 'is missing' };
  const idle = pool.tcp?.idleTimeout;
  if (idle !== undefined && !(isDuration(idle) && millisecondsOf(idle) > -1))
    yield { field: `${field}.tcp.idleTimeout`, problem: `"${idle}" is not a duration, or below 0` };
  for (const part of ['tcp', 'http'] as const)
    for (const [name, value] of Object.entries(pool[part] ?? {}))
      if (typeof value === 'number' && value < 0)
        yield { field: `${field}.${part}.${name}`, problem: `${value} is below 0` };
}

/** The fields of certificates in files. */
const FILES = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'] as const;

function* tlsProblems(tls: TlsSettings, field: FieldPath, namespace: string): Problems {
  const { mode, credentialName, insecureSkipVerify, subjectAltNames } = tls;
  const isOrigination = mode === 'SIMPLE' || mode === 'MUTUAL';
  if (credentialName?.startsWith('configmap://') && !credentialName.startsWith(`configmap://${namespace}/`))
    yield {
      field: `${field}.credentialName`,
      problem: `it is configmap://${namespace}/<name>, in the namespace of the rule`,
    };
  if (insecureSkipVerify && isOrigination) {
    const checked = [
      ...(tls.caCertificates ? ['caCertificates'] : []),
      ...(credentialName && mode === 'SIMPLE' ? ['credentialName'] : []),
      ...(subjectAltNames?.length ? ['subjectAltNames'] : []),
    ];
    if (checked.length > 0)
      yield { field: `${field}.${checked[0]}`, problem: 'is not allowed with insecureSkipVerify: true' };
  }
  if (credentialName && isOrigination) {
    const file = FILES.find((name) => tls[name]);
    if (file) yield { field: `${field}.${file}`, problem: 'is not allowed beside credentialName' };
  } else if (mode === 'MUTUAL') {
    const missing = (['clientCertificate', 'privateKey'] as const).find((name) => !tls[name]);
    if (missing)
      yield { field: `${field}.${missing}`, problem: 'is missing, which mode MUTUAL needs without credentialName' };
  }
}
