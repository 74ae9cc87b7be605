import { isIP } from 'net';
import { contains, METADATA_ADDRESSES } from '../istio/ranges';
import { DEFAULT_CLUSTER_DOMAIN } from '../istio/service-names';

/** Names at which clouds and virtual machines answer with what is theirs, such as the credentials of a node. */
const OF_THE_NODE = [
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'instance-data.ec2.internal',
  'host.docker.internal',
  'gateway.docker.internal',
  'kubernetes.docker.internal',
];

/** Addresses of the proxy's own pod and of its links. */
const OF_THE_POD = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '::/127', 'fe80::/10'];

/**
 * What a host or address names, if it is something inside the cluster or the machine; undefined for external hosts. A
 * proxy that connects to it would hand callers what only the proxy or its node may reach.
 *
 * @param host a host in lower case, a wildcard, or an IP address
 * @param clusterDomain the domain of Kubernetes Services, where it is known
 */
export function internalMeaning(host: string, clusterDomain = DEFAULT_CLUSTER_DOMAIN): string | undefined {
  if (isIP(host) !== 0) return meaningOfAddress(host);
  const name = host.replace(/^\*\./, '');
  const labels = name.split('.');
  const last = labels[labels.length - 1];
  if (/^(localhost|localdomain)\d*$/.test(last)) return 'names the pod itself';
  const ofNode = OF_THE_NODE.find(
    (one) => one === name || name.endsWith(`.${one}`) || (name !== host && one.endsWith(`.${name}`)),
  );
  if (ofNode !== undefined)
    return `${ofNode === name ? 'names' : `reaches ${ofNode},`} the node or its cloud, and not an external host`;
  const isService =
    [2, 3].some((index) => labels[index] === 'svc') ||
    [clusterDomain, DEFAULT_CLUSTER_DOMAIN, 'clusterset.local'].some((one) => name === one || name.endsWith(`.${one}`));
  if (isService) return 'is the name of a Kubernetes Service or pod, and calls inside the mesh need no egress';
  // No top-level domain has a hyphen or digit in it, except for internationalised ones.
  if (last === 'default' || (/[-\d]/.test(last) && !last.startsWith('xn--')))
    return `ends with "${last}", which is not a top-level domain but perhaps a namespace`;
  return undefined;
}

function meaningOfAddress(address: string): string | undefined {
  const cloud = Object.entries(METADATA_ADDRESSES).find(([, addresses]) =>
    addresses.some((one) => contains(one, address)),
  );
  if (cloud) return `is the metadata service of ${cloud[0]}`;
  return OF_THE_POD.some((range) => contains(range, address))
    ? 'is an address of the pod itself or its node'
    : undefined;
}
