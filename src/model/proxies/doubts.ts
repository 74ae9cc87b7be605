import { hashFor } from './hashing';
import { Chosen, inForce, Settings } from './settings';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { Undetermined } from '../answer/undetermined';
import { CONTROL } from '../../istio/envoy';
import { millisecondsOf } from '../../schema/durations';

/** What Linux takes for TCP_KEEPIDLE and TCP_KEEPINTVL, in milliseconds, and for TCP_KEEPCNT. */
const LONGEST_KEEPALIVE = 32_767_000;
const MOST_PROBES = 127;

/** What a connection with one answer may take, in milliseconds. */
const SHORT = 100;

/** What is not known of what a cluster sends on. */
export interface Doubts {
  /** Of requests, which the proxy reads. */
  readonly requests?: Undetermined;
  /** Of what it does not read. */
  readonly bytes?: Undetermined;
}

/**
 * Where weights of localities are in force. Endpoints in localities that they do not list receive nothing, and hosts
 * outside have none unless an endpoint says it.
 */
export function unevenOf(settings: Settings): Undetermined | undefined {
  const { resolution } = settings.service;
  const balancer = inForce('loadBalancer', settings);
  const { enabled, distribute = [] } = balancer?.value.localityLbSetting ?? {};
  const isUneven = enabled !== false && distribute.some(({ to = {} }) => !('*' in to));
  if (!isUneven || resolution === 'NONE' || resolution === 'DYNAMIC_DNS') return undefined;
  return new Undetermined(
    'weights of localities may leave a proxy without any endpoint, and no manifest tells the localities of proxies',
    [balancer!.where],
  );
}

export function doubtsOf(chosen: Chosen): Doubts {
  const { rule } = chosen;
  const connecting = connectingDoubt(chosen);
  const hash = hashFor(chosen);
  const { name, path } = hash?.value.httpCookie ?? {};
  // For bytes, istiod reads these from the policy of the whole host.
  const whole = rule?.policy?.value.connectionPool?.tcp;
  const where = rule?.policy && fieldRef(rule.policy.object, 'spec.trafficPolicy.connectionPool.tcp');
  return {
    requests:
      connecting ??
      (CONTROL.test(`${name} ${path}`)
        ? new Undetermined(
            'a cookie that the proxy sets holds a control character, with which nobody reads the response',
            [hash!.where],
          )
        : undefined),
    bytes:
      connecting ??
      tooShort('connections may last', whole?.maxConnectionDuration, where) ??
      tooShort('connections may be idle for', whole?.idleTimeout, where),
  };
}

/** Whether a connection comes about. */
function connectingDoubt(chosen: Chosen): Undetermined | undefined {
  const pool = inForce('connectionPool', chosen);
  const { connectTimeout, tcpKeepalive } = pool?.value.tcp ?? {};
  const { time, interval, probes = 0 } = tcpKeepalive ?? {};
  const isTooLong = (duration = '0s') => millisecondsOf(duration) > LONGEST_KEEPALIVE;
  return (
    tooShort('a connection may take', connectTimeout, pool?.where) ??
    (isTooLong(time) || isTooLong(interval) || probes > MOST_PROBES
      ? new Undetermined(
          'the settings for TCP keepalive are more than Linux takes, and Envoy closes such connections',
          [pool!.where],
        )
      : undefined)
  );
}

function tooShort(what: string, duration: string | undefined, where: FieldRef | undefined): Undetermined | undefined {
  const milliseconds = duration === undefined ? 0 : millisecondsOf(duration);
  return milliseconds > 0 && milliseconds < SHORT
    ? new Undetermined(`${what} ${duration}, and it is unknown whether that is enough`, [where!])
    : undefined;
}
