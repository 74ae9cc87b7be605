/** What constructs of every kind read of their props and of what surrounds them. */
import { Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { IEgressGateway } from './i-egress-gateway';
import { isA } from '../values/brand';
import { Caller } from '../values/caller';
import { ISTIO_VERSION_CONTEXT, IstioVersion } from '../values/istio-version';
import { assertDnsLabel } from '../values/names';
import { Problems } from '../values/problems';
import { annotations, labels, list, Reader, required, valueOf } from '../values/readers';
import { shown } from '../values/shown';

/** How errors name a construct. */
export function where(construct: Construct): string {
  return `[${construct.node.path}] ${construct.constructor.name}`;
}

/** Readers for the labels and annotations of our objects. */
export const METADATA = { labels: labels(), annotations };

/** Reader for a gateway: any construct with an installation. */
export const gateway: Reader<IEgressGateway> = (value, place, problems) => {
  if (Construct.isConstruct(value) && isA('GatewayInstallation', (value as Partial<IEgressGateway>).installation))
    return value as IEgressGateway;
  problems.add(`${place}: ${shown(value)} is not a gateway; ${GATEWAY_CURE}`);
  return undefined;
};

const GATEWAY_CURE =
  'give an EgressGateway or InstalledEgressGateway of this app, or ' +
  "InstalledEgressGateway.fromInstallation(this, 'gateway', installation) for one of another app";

/** Reader for a gateway that must be given. */
export const requiredGateway = required(gateway, `; ${GATEWAY_CURE}`);

/** Reader for one caller. */
export const caller: Reader<Caller> = valueOf<Caller>('Caller', (value) => {
  const [namespace, name] =
    typeof value === 'string' && /^[^/]+\/[^/]+$/.test(value) ? value.split('/') : ['payments', 'checkout'];
  return `Caller.serviceAccount('${namespace}', '${name}')`;
});

/** Reader for callers. */
export function callers(empty?: string): Reader<Caller[]> {
  return list(caller, "Caller.serviceAccount('payments', 'checkout')", { empty });
}

/** The owner of the objects of a chart. */
export function readOwner(scope: Construct, given: string | undefined, problems: Problems): string {
  const value = given ?? Chart.of(scope).namespace;
  if (value === undefined) {
    if (!problems.has('owner'))
      problems.add(
        'owner: none given, and the chart has no namespace to take it from; set `owner`, or give the chart a namespace',
      );
    return '';
  }
  if (given === undefined) problems.check('owner', () => assertDnsLabel(value, 'owner'));
  return value;
}

/** The namespace that a construct is for: its own prop, else that of the chart. */
export function readNamespace(
  scope: Construct,
  given: string | undefined,
  cure: string,
  problems: Problems,
): string | undefined {
  const value = given ?? Chart.of(scope).namespace;
  if (value === undefined && !problems.has('namespace'))
    problems.add(`namespace: none given, and the chart has none; ${cure}`);
  if (given === undefined && value !== undefined) problems.check('namespace', () => assertDnsLabel(value, 'namespace'));
  return value;
}

/** The release of Istio for a construct: its own prop, else what the app states, else the newest. */
export function readIstioVersion(scope: Construct, given: string | undefined, problems: Problems): IstioVersion {
  const fromApp: unknown = scope.node.tryGetContext(ISTIO_VERSION_CONTEXT);
  if (given !== undefined) return IstioVersion.parse(given);
  if (fromApp === undefined || problems.has('istioVersion')) return IstioVersion.newest();
  const what = `context "${ISTIO_VERSION_CONTEXT}"`;
  return problems.check(what, () => IstioVersion.parse(fromApp)) ?? IstioVersion.newest();
}
