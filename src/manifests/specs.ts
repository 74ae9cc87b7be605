import type {
  DestinationRuleSpec,
  GatewaySpec,
  ServiceEntrySpec,
  SidecarSpec,
  VirtualServiceSpec,
} from '../../imports/networking.istio.io';
import { Manifest } from './egress-object';
import type { AuthorizationPolicySpec } from '../../imports/security.istio.io';

/** A generated type as it is written in a manifest, where every field may be missing and enumerations are text. */
export type Written<T> = T extends string
  ? `${T}`
  : T extends number | boolean
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Written<Item>[]
      : string extends keyof T
        ? { readonly [name: string]: Written<T[keyof T]> }
        : { readonly [field in keyof T]?: Written<T[field]> };

/** The specs of the kinds of egress. */
export interface IstioSpecs {
  readonly AuthorizationPolicy: Written<AuthorizationPolicySpec>;
  readonly DestinationRule: Written<DestinationRuleSpec>;
  readonly Gateway: Written<GatewaySpec>;
  readonly ServiceEntry: Written<ServiceEntrySpec>;
  readonly Sidecar: Written<SidecarSpec>;
  readonly VirtualService: Written<VirtualServiceSpec>;
}

/** The spec of an Istio object of a kind; undefined for every other object. */
export function specOf<Kind extends keyof IstioSpecs>(
  { apiVersion, kind, spec }: Manifest,
  wanted: Kind,
): IstioSpecs[Kind] | undefined {
  return kind === wanted && /\.istio\.io\//.test(apiVersion) ? ((spec ?? {}) as IstioSpecs[Kind]) : undefined;
}

/** What is read of a Kubernetes Service. */
export interface ServiceSpec {
  readonly type?: string;
  readonly externalName?: string;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly internalTrafficPolicy?: string;
  readonly publishNotReadyAddresses?: boolean;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly {
    readonly name?: string;
    readonly port: number;
    readonly protocol?: string;
    readonly appProtocol?: string;
    readonly targetPort?: number | string;
  }[];
}

/** The parts of these specs that most of what reads manifests is about. */
export type TrafficPolicy = Of<IstioSpecs['DestinationRule'], 'trafficPolicy'>;
export type TlsSettings = Of<TrafficPolicy, 'tls'>;
export type EntryEndpoint = ItemOf<IstioSpecs['ServiceEntry']['endpoints']>;
export type PolicyRule = ItemOf<IstioSpecs['AuthorizationPolicy']['rules']>;
export type Server = ItemOf<IstioSpecs['Gateway']['servers']>;
export type HttpRoute = ItemOf<IstioSpecs['VirtualService']['http']>;
export type Route =
  HttpRoute | ItemOf<IstioSpecs['VirtualService']['tls']> | ItemOf<IstioSpecs['VirtualService']['tcp']>;

/** A field of a type, which is not undefined. */
export type Of<T, Field extends keyof NonNullable<T>> = NonNullable<NonNullable<T>[Field]>;

/** One of a list. */
export type ItemOf<T> = NonNullable<T> extends readonly (infer Item)[] ? Item : never;
