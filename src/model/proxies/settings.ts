import { ClientTls } from './client-tls';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { MergedRule, MergedSubset } from '../objects/destination-rules';
import { Service } from '../objects/service';
import { TrafficPolicy } from '../../manifests/specs';
import { millisecondsOf } from '../../schema/durations';

/** What a cluster is for, and the rule for its host. */
export interface Chosen {
  readonly rule?: MergedRule;
  readonly subset?: MergedSubset;
  readonly port: number;
}

/** What a cluster is made from. */
export interface Settings extends Chosen {
  readonly service: Service;
  readonly tls?: ClientTls;
  /** Whether it speaks HTTP/2 to its endpoints. */
  readonly http2: boolean;
}

export type Setting = 'connectionPool' | 'loadBalancer' | 'outlierDetection';

/** The settings of one kind in force, and what has them: those of a port replace all others of their policy. */
export function inForce<Name extends Setting>(
  name: Name,
  chosen: Chosen,
): { readonly value: NonNullable<TrafficPolicy[Name]>; readonly where: FieldRef } | undefined {
  for (const { policy, where } of policiesOf(chosen)) {
    const ofPort = policy?.portLevelSettings?.find((one) => one.port?.number === chosen.port);
    const value: TrafficPolicy[Name] = (ofPort ?? policy)?.[name];
    if (ofPort || value !== undefined) return value ? { value, where: where() } : undefined;
  }
  return undefined;
}

/** The policy of the subset, and that of the host. */
export function policiesOf({ rule, subset }: Chosen) {
  return [
    {
      policy: subset?.value.trafficPolicy,
      where: () => fieldRef(subset!.object, `spec.subsets[${subset!.index}].trafficPolicy`),
    },
    { policy: rule?.policy?.value, where: () => fieldRef(rule!.policy!.object, 'spec.trafficPolicy') },
  ];
}

/** How long a proxy tries to connect. */
export interface ConnectTimeout {
  readonly milliseconds: number;
  /** What says so, if anything does. */
  readonly cause?: FieldRef;
}

/** How long a cluster tries to connect, where that is said. */
export function connectTimeoutOf(chosen: Chosen): ConnectTimeout | undefined {
  const pool = inForce('connectionPool', chosen);
  const given = pool?.value.tcp?.connectTimeout;
  return given === undefined ? undefined : { milliseconds: millisecondsOf(given), cause: pool!.where };
}
