import { ApiObjectMetadata } from 'cdk8s';
import { GatewayEgressPath } from '../../declarations/gateway-egress-path';
import { annotationsFor, EgressPathSettings, PortSettings } from '../../declarations/settings';
import { HOP_DOMAIN } from '../../values/host-name';
import { objectName } from '../../values/names';

/** The one port of the hop Service. */
export const HOP_PORT = 443;

/** The private server name of a port of the host, which no one uses by accident. */
export function hopName(path: GatewayEgressPath, port: PortSettings): string {
  return `${hopPort(path, port)}.${path.key}.${path.callerSet?.hopDomain ?? HOP_DOMAIN}`;
}

export function hopSubset(path: GatewayEgressPath, port: PortSettings): string {
  return `${path.key}-${hopPort(path, port)}`;
}

/**
 * HTTP that the gateway does not read has another name. If a sidecar took the gateway for one that reads it, or the
 * other way round, as it does while that changes, the external host would receive the private name, and what proxies
 * add (measured).
 */
function hopPort({ settings }: GatewayEgressPath, { name, http }: PortSettings): string {
  return http && settings.opaque ? `opaque-${name}` : name;
}

/** The id of an object, unique among those of all hosts and callers. */
export function idOf({ host, namespace, account }: GatewayEgressPath, kind: string): string {
  return `${host}-for-${namespace}${account === undefined ? '' : `-${account}`}-${kind}`;
}

/** The name of an object, unique among those of its kind in its namespace. */
export function nameOf({ host, key, settings }: Named, suffix?: string): string {
  return objectName(settings.namePrefix ?? host, key, suffix);
}

/** Makes the metadata of the objects in a namespace, by the suffix of their names. */
export function metadataIn(namespace: string, named: Named) {
  const { labels } = named.settings;
  const annotations = annotationsFor(named.host, named.settings);
  return (suffix?: string) =>
    ({ name: nameOf(named, suffix), namespace, labels, annotations }) satisfies ApiObjectMetadata;
}

interface Named {
  readonly host: string;
  readonly key: string;
  readonly settings: EgressPathSettings;
}
