import {
  checkExport,
  isFullName,
  checkLabels,
  checkName,
  checkPort,
  reject,
  repeatedIn,
  checkSelector,
  checkShare,
  checkSubsetName,
} from './names';
import { isIP } from 'net';
import { checkLoadBalancer } from './load-balancer';
import { trafficSettings } from './traffic-settings';
import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs, Of, TlsSettings, TrafficPolicy } from '../../../manifests/specs';
import { isDuration, millisecondsOf } from '../../../schema/durations';

export function checkDestinationRule(spec: IstioSpecs['DestinationRule'], namespace: string): void {
  const { host, trafficPolicy, subsets = [], exportTo, workloadSelector } = spec;
  checkName('spec.host', host);
  checkTrafficPolicy(trafficPolicy, 'spec.trafficPolicy', namespace);
  const twice = repeatedIn(subsets.map(({ name }) => name));
  for (const [at, subset] of subsets.entries()) {
    const field = `spec.subsets[${at}]` as const;
    checkSubsetName(`${field}.name`, subset.name);
    if (twice.has(at)) reject(`${field}.name`, `${subset.name} is declared twice`);
    checkLabels(`${field}.labels`, subset.labels);
    checkTrafficPolicy(subset.trafficPolicy, `${field}.trafficPolicy`, namespace);
  }
  checkExport(exportTo, namespace);
  if (workloadSelector && exportTo?.some((one) => one !== '.' && one !== namespace))
    reject('spec.exportTo', 'a rule with a workloadSelector is for its own namespace only');
}

export function checkDestinationRuleSchema(spec: IstioSpecs['DestinationRule']): void {
  checkSelector('spec.workloadSelector.matchLabels', spec.workloadSelector?.matchLabels);
  for (const [{ loadBalancer, outlierDetection }, field] of trafficSettings(spec)) {
    const { minimumPercent = 0 } = loadBalancer?.warmup ?? {};
    if (minimumPercent > 100) reject(`${field}.loadBalancer.warmup.minimumPercent`, `${minimumPercent} is above 100`);
    const wrong = outlierDetection?.outlierDetectionHttpErrorCodes?.find((code) => code < 100 || code > 599);
    if (wrong !== undefined)
      reject(`${field}.outlierDetection.outlierDetectionHttpErrorCodes`, `${wrong} is not a status from 100 to 599`);
  }
}

function checkTrafficPolicy(policy: TrafficPolicy | undefined, field: FieldPath, namespace: string): void {
  if (policy === undefined || policy === null) return;
  if (Object.values(policy).every((one) => Array.isArray(one) && one.length === 0)) reject(field, 'sets nothing');
  const interval = policy.retryBudget?.budgetInterval;
  if (interval !== undefined && !isDuration(interval))
    reject(`${field}.retryBudget.budgetInterval`, `"${interval}" is not a duration`);
  const { tunnel, proxyProtocol } = policy as TrafficPolicy & { readonly proxyProtocol?: object };
  if (tunnel && proxyProtocol) reject(field, 'only one of tunnel and proxyProtocol can be set');
  checkSettings(policy, field, namespace);
  for (const [at, port] of (policy.portLevelSettings ?? []).entries()) {
    const own: FieldPath = `${field}.portLevelSettings[${at}]`;
    if (!port?.port) reject(`${own}.port`, 'is missing');
    if (!port.tls && !port.loadBalancer && !port.connectionPool && !port.outlierDetection) reject(own, 'sets nothing');
    checkSettings(port, own, namespace);
  }
  if (!tunnel) return;
  const { protocol, targetHost = '', targetPort } = tunnel;
  if (protocol && protocol !== 'CONNECT' && protocol !== 'POST')
    reject(`${field}.tunnel.protocol`, `${protocol} is not allowed; it is CONNECT or POST`);
  if (isIP(targetHost) === 0 && !isFullName(targetHost))
    reject(`${field}.tunnel.targetHost`, `"${targetHost}" is neither the name of a host nor an address`);
  checkPort(`${field}.tunnel.targetPort`, targetPort);
}

type Settings = Pick<TrafficPolicy, 'tls' | 'connectionPool' | 'outlierDetection' | 'loadBalancer'>;

/** What a policy and the settings of a port have in common. */
function checkSettings(
  { tls, connectionPool, outlierDetection, loadBalancer }: Settings,
  field: FieldPath,
  namespace: string,
): void {
  if (outlierDetection) checkOutlierDetection(outlierDetection, `${field}.outlierDetection`);
  if (connectionPool) checkConnectionPool(connectionPool, `${field}.connectionPool`);
  if (loadBalancer) checkLoadBalancer(loadBalancer, `${field}.loadBalancer`);
  if (tls) checkTls(tls, `${field}.tls`, namespace);
}

function checkOutlierDetection(outlier: Of<TrafficPolicy, 'outlierDetection'>, field: FieldPath): void {
  for (const name of ['maxEjectionPercent', 'minHealthPercent'] as const) checkShare(`${field}.${name}`, outlier[name]);
  if (outlier.consecutiveLocalOriginFailures && !outlier.splitExternalLocalOriginErrors)
    reject(`${field}.consecutiveLocalOriginFailures`, 'needs splitExternalLocalOriginErrors: true');
}

export function checkConnectionPool(pool: Of<TrafficPolicy, 'connectionPool'>, field: FieldPath): void {
  if (!pool.tcp && !pool.http) reject(field, 'sets nothing');
  if (pool.http?.useClientProtocol && pool.http.h2UpgradePolicy === 'UPGRADE')
    reject(`${field}.http.useClientProtocol`, 'is not allowed with h2UpgradePolicy UPGRADE');
  const keepAlive = pool.http?.http2KeepAlive;
  for (const name of ['interval', 'timeout'] as const)
    if (keepAlive && keepAlive[name] === undefined) reject(`${field}.http.http2KeepAlive.${name}`, 'is missing');
  const idle = pool.tcp?.idleTimeout;
  if (idle !== undefined && !(isDuration(idle) && millisecondsOf(idle) > -1))
    reject(`${field}.tcp.idleTimeout`, `"${idle}" is not a duration, or below 0`);
  for (const part of ['tcp', 'http'] as const)
    for (const [name, value] of Object.entries(pool[part] ?? {}))
      if (typeof value === 'number' && value < 0) reject(`${field}.${part}.${name}`, `${value} is below 0`);
}

/** The fields of certificates in files. */
const FILES = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'] as const;

function checkTls(tls: TlsSettings, field: FieldPath, namespace: string): void {
  const { mode, credentialName, insecureSkipVerify, subjectAltNames } = tls;
  const isOrigination = mode === 'SIMPLE' || mode === 'MUTUAL';
  if (credentialName?.startsWith('configmap://') && !credentialName.startsWith(`configmap://${namespace}/`))
    reject(`${field}.credentialName`, `it is configmap://${namespace}/<name>, in the namespace of the rule`);
  if (insecureSkipVerify && isOrigination) {
    const checked = [
      ...(tls.caCertificates ? ['caCertificates'] : []),
      ...(credentialName && mode === 'SIMPLE' ? ['credentialName'] : []),
      ...(subjectAltNames?.length ? ['subjectAltNames'] : []),
    ];
    if (checked.length > 0) reject(`${field}.${checked[0]}`, 'is not allowed with insecureSkipVerify: true');
  }
  if (credentialName && isOrigination) {
    const file = FILES.find((name) => tls[name]);
    if (file) reject(`${field}.${file}`, 'is not allowed beside credentialName');
  } else if (mode === 'MUTUAL') {
    const missing = (['clientCertificate', 'privateKey'] as const).find((name) => !tls[name]);
    if (missing) reject(`${field}.${missing}`, 'is missing, which mode MUTUAL needs without credentialName');
  }
}
