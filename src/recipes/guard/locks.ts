import { field, literal } from './cel';
import { GuardedLocks, GuardFacts, GuardPolicy, istio, outside } from './policy';
import { REVISION } from '../../istio/injection';

/** Sidecars of locked namespaces stay locked. */
export function sidecarPolicy(facts: GuardFacts, { namespaces }: GuardedLocks): GuardPolicy {
  return {
    rules: [istio('sidecars')],
    namespaces: namespaces ? { operator: 'In', values: namespaces } : outside(facts),
    validations: [
      {
        expression:
          `has(object.spec) && has(object.spec.outboundTrafficPolicy) && ` +
          `${field('spec.outboundTrafficPolicy.mode', "'REGISTRY_ONLY'")} == 'REGISTRY_ONLY'`,
        message:
          'This namespace is locked: a Sidecar says `outboundTrafficPolicy: { mode: REGISTRY_ONLY }`, for it takes ' +
          'the place of the lock. Declare the hosts that are called with SidecarEgress or GatewayEgress.',
      },
      {
        expression:
          `${field('spec.egress', '[]')}.all(listener, !has(listener.port) || ` +
          `${field('port.protocol', "''", 'listener')}.upperAscii() in ['HTTP', 'HTTP2', 'GRPC'])`,
        message:
          'This namespace is locked: an egress listener of a Sidecar that has a port speaks HTTP, HTTP2 or GRPC; any ' +
          'other would let everything on that port out. Leave `port` out.',
      },
    ],
  };
}

/** The locks themselves are not taken away, unless their namespace goes. */
export function lockPolicy({ sidecars }: GuardedLocks): GuardPolicy {
  const isLock = `(oldObject.metadata.namespace + '/' + oldObject.metadata.name) in ${literal(sidecars)}`;
  return {
    rules: [{ ...istio('sidecars'), operations: ['UPDATE', 'DELETE'] }],
    namespaces: { operator: 'In', values: [...new Set(sidecars.map((sidecar) => sidecar.split('/')[0]))].sort() },
    validations: [
      {
        expression: `request.operation != 'DELETE' || !(${isLock}) || has(namespaceObject.metadata.deletionTimestamp)`,
        message:
          'This Sidecar is a lock of the platform: it goes when the platform no longer declares it, and its guard ' +
          'goes first.',
      },
      {
        expression: `request.operation != 'UPDATE' || !(${isLock}) || ${[
          '?spec.?workloadSelector.?labels.orValue({})',
          // An istiod of another revision would not read it.
          `?metadata.?labels[?${literal(REVISION)}].orValue('')`,
        ]
          .map((path) => `object.${path} == oldObject.${path}`)
          .join(' && ')}`,
        message:
          'This Sidecar is a lock of the platform: leave the workloads that it selects, and the label istio.io/rev, as ' +
          'they are, unless its guard goes first.',
      },
    ],
  };
}
