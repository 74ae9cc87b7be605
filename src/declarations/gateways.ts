import { IConstruct } from 'constructs';
import { Agreement } from './agreement';
import { perApp, perIdentity, touch } from './app';
import { watch } from './conflicts';
import { GatewayInstallation } from '../values/gateway-installation';
import { Grouping } from '../values/grouping';

/** A gateway as egress paths know it. */
export interface Gateway {
  readonly installation: GatewayInstallation;
  /** Whether it refuses every request that no policy allows. */
  readonly isLockedDown: boolean;
}

type Place = Pick<GatewayInstallation, 'namespace' | 'name'>;

const descriptions = perIdentity<Agreement>();
const namespaces = perApp(() => new Set<string>());
const locked = perApp(() => ({ gateways: new Grouping<string, IConstruct>(), listeners: [] as (() => void)[] }));

/** Declares how a gateway was installed. All descriptions of one gateway must agree. */
export function describeGateway(
  construct: IConstruct,
  { namespace, name, lockedDown, ...rest }: GatewayInstallation,
): void {
  if (lockedDown) lockGateway(construct, { namespace, name });
  namespaces(construct).add(namespace);
  const title = `the gateway ${namespace}/${name}`;
  const cure = 'Describe it once, as a constant, and use that constant everywhere.';
  descriptions(construct, [namespace, name], () =>
    watch(construct, new Agreement('gateway-conflict', title, cure)),
  ).state(construct, rest);
}

/** Declares that a gateway refuses every request that no policy allows. */
export function lockGateway(construct: IConstruct, { namespace, name }: Place): void {
  const { gateways, listeners } = locked(construct);
  gateways.add(`${namespace}/${name}`, construct);
  touch(construct);
  for (const listener of listeners) listener();
}

/** Calls the listener whenever a gateway is locked. */
export function onLock(construct: IConstruct, listener: () => void): void {
  locked(construct).listeners.push(listener);
}

/** Whether the app declares that a gateway refuses every request that no policy allows. */
export function isGatewayLocked(construct: IConstruct, { namespace, name }: Place): boolean {
  return locked(construct).gateways.has(`${namespace}/${name}`);
}

/** Refuses what takes a gateway of this app for a locked one: grants, where they are needed, would refuse all others. */
export function checkLock(gateway: IConstruct, { namespace, name }: Place): void {
  watch(gateway, {
    conflicts: () => {
      const saying = locked(gateway).gateways.get(`${namespace}/${name}`);
      if (saying.length === 0 || saying.includes(gateway)) return [];
      const problem =
        `gateway-conflict: the gateway ${namespace}/${name} is not locked down, and [${saying[0].node.path}] says ` +
        'that it is: a grant for callers that a policy checks would refuse all others. Call lockdown(), or leave ' +
        '`lockedDown` out there.';
      return [{ construct: gateway, problem }];
    },
  });
}

/** The namespaces of all gateways that the app knows. */
export function gatewayNamespaces(construct: IConstruct): string[] {
  return [...namespaces(construct)];
}
