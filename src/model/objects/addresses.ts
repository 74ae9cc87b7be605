import { isIPv6 } from 'net';
import { FieldRef } from '../answer/answer';
import { Certainty } from '../answer/certainty';
import { Condition } from '../answer/conditions';
import { Undetermined } from '../answer/undetermined';
import { ALLOCATED, contains, familyHeld, isRange, overlap, PRIVATE_NETWORKS, shortForm } from '../../istio/ranges';

/** Where an application or a proxy connects to, as far as the manifests tell. */
export type Address =
  | {
      readonly kind: 'ip';
      readonly ip: string;
      /** What must be so for the host to be there, where only the pod itself says it. */
      readonly claim?: Condition;
    }
  /** Of a host whose address nobody knows. */
  | { readonly kind: 'unknown'; readonly host: string }
  /** The cluster IP of a Kubernetes Service, with the one that its manifest writes. */
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string; readonly ip?: string }
  /** What a sidecar with DNS capture allocates for a name of a ServiceEntry. */
  | { readonly kind: 'allocated'; readonly namespace: string; readonly entry: string; readonly host: string };

/** What a service declares: an address, several, or none of its own. */
export type ServiceAddress = Address | { readonly kind: 'range'; readonly range: string } | { readonly kind: 'any' };

/** The address of a listener that takes what no other listener takes. */
export const ANY_ADDRESS = '0.0.0.0';

const ANY: ServiceAddress = { kind: 'any' };

/** An address or range as a manifest writes it. */
export function addressOf(text: string | undefined): ServiceAddress {
  if (text === undefined || text === ANY_ADDRESS) return ANY;
  // A range of a single address is written as that address.
  return isRange(text) ? { kind: 'range', range: text } : ipAddress(text.split('/')[0]);
}

/** An address, which Envoy knows in its short form; one with a zone has none. */
export function ipAddress(ip: string): Address & { readonly kind: 'ip' } {
  return { kind: 'ip', ip: isIPv6(ip) && !ip.includes('%') ? shortForm(ip) : ip };
}

/** Whether it is an address that only pods of a dual-stack mesh have a route to. */
export function isOfIPv6(address: Address): boolean {
  return address.kind === 'ip' && isIPv6(address.ip);
}

/** The address as a key, and in answers. */
export function textOf(address: ServiceAddress): string {
  switch (address.kind) {
    case 'ip':
      return address.ip;
    case 'range':
      return address.range;
    case 'any':
      return ANY_ADDRESS;
    case 'service':
      return `Service ${address.namespace}/${address.name}`;
    case 'allocated':
      return `the address allocated for ${address.host} of ServiceEntry ${address.namespace}/${address.entry}`;
    default:
      return `the address of ${address.host}`;
  }
}

/** The host where its address is unknown, else the address. */
export function hostOrAddress(address: Address): string {
  return address.kind === 'unknown' ? address.host : textOf(address);
}

/** Whether a range contains an address, as far as anybody knows; one that nobody knows is in none. */
export function holds(range: string, address: Address): Certainty {
  switch (address.kind) {
    case 'ip':
      return contains(range, address.ip);
    case 'allocated':
      return (
        contains(range, ALLOCATED.v4) ||
        (overlap(range, ALLOCATED.v4) || overlap(range, ALLOCATED.v6) ? undefined : false)
      );
    case 'service':
      if (address.ip !== undefined) return contains(range, address.ip);
      return familyHeld(range) === 'ipv4' || (PRIVATE_NETWORKS.some((one) => overlap(range, one)) ? undefined : false);
    default:
      return false;
  }
}

/** That it is unknown whether a range contains an address, with the shortest way to say it. */
export function undeterminedIn(range: string, address: Address, decidedBy?: readonly FieldRef[]): Undetermined {
  const say = address.kind === 'service' ? "the Service's `clusterIP`" : '`addresses` of its ServiceEntry';
  return new Undetermined(`it is unknown whether ${textOf(address)} is in ${range}: write ${say}`, decidedBy);
}
