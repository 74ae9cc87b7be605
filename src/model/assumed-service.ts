import { Configuration } from './proxies/configuration';
import { ANY_ADDRESS } from './objects/addresses';
import { outboundListeners } from './proxies/listener';
import { Registry } from './registry/registry';
import { Scope } from './registry/scope';
import { ModelCaller, ModelRequest } from './requests/request';
import { isWildcard } from '../istio/hosts';
import { valueIn } from '../values/grouping';

/** What names the ingress gateway, its Service or its pods: part of their names and of their labels. */
const NAMED = /ingressgateway/i;

/** The Service of the ingress gateway, where it is only assumed that there is one: almost every mesh has it. */
export class AssumedService {
  private isNamed?: boolean;
  private readonly listeners = new WeakMap<Scope, boolean>();

  constructor(private readonly configuration: Configuration) {}

  /**
   * Whether a request on port 80 is certainly answered the same without it: nothing names it, so that it could only be
   * met through the listener on port 80, and the caller's sidecar has that one anyway.
   */
  public isIrrelevant(caller: ModelCaller, { headers, follow }: ModelRequest, { hostname }: URL): boolean {
    const pod = this.configuration.pod(caller);
    if (!pod.injection.injected || follow || isNamedIn([hostname, headers])) return false;
    const { registry } = this.configuration;
    const scope = this.configuration.sidecar(pod);
    if (!valueIn(this.listeners, scope, () => hasOwnListener(registry, scope))) return false;
    const { world, index } = registry;
    this.isNamed ??= isNamedIn(world) || index.kinds.flat().some(({ manifest }) => isNamedIn(manifest));
    return !this.isNamed;
  }
}

function isNamedIn(value: unknown): boolean {
  if (typeof value === 'string') return NAMED.test(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(isNamedIn);
}

/** Whether a sidecar has the listener on port 80, and what it does there depends on no other Service. */
function hasOwnListener(registry: Registry, scope: Scope): boolean {
  // A route for a wildcard that covers no service is a virtual host of its own.
  if (scope.sidecar || scope.listeners.some(({ routes }) => routes.some(({ hosts }) => hosts.some(isWildcard))))
    return false;
  const others = scope.listeners.map((listener) => ({
    ...listener,
    services: listener.services.filter(({ host }) => !NAMED.test(host)),
  }));
  const own = outboundListeners(registry, { ...scope, listeners: others }, 80).get(ANY_ADDRESS);
  // One chain reads HTTP for all services; any other protocol has chains of its own.
  return own?.chains.length === 1 && own.chains[0].http !== undefined;
}
