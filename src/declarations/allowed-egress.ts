import { IConstruct } from 'constructs';
import { perApp, touch } from './app';
import { GatewayInstallation } from '../values/gateway-installation';
import { addTo, valueIn } from '../values/grouping';

/** Pods of one namespace: all of them, or those with these labels. */
export interface PodPlace {
  readonly namespace: string;
  readonly labels?: Record<string, string>;
}

/** Where connections go. `public` stands for every public address. Without ports: every port and protocol. */
export interface AllowedDestination {
  readonly to: 'public' | { readonly cidrs: string[] } | { readonly namespaces: string[] };
  readonly ports?: number[];
}

/** Where a host is, as its declaration says. */
export interface ExpectedAddresses {
  readonly host: string;
  readonly addresses: string[];
  readonly ports: number[];
}

/** What a declared egress path needs from the network. Boundaries read it; without a boundary it has no effect. */
export interface AllowedEgress {
  /** The construct that needs it. */
  readonly by: IConstruct;
  readonly from: PodPlace;
  /** Allows connections to the pods of this gateway. */
  readonly gateway?: GatewayInstallation;
  /** Called at synth, when every port is known. */
  readonly to?: () => AllowedDestination[];
  /** Addresses that the pods are known to need, although only `public` ones are allowed: of which host, and where. */
  readonly expects?: () => ExpectedAddresses;
  /** Set where this weakens a boundary: the reason. */
  readonly unsafe?: string;
}

/** The allowed egress of an app, from all of its constructs. */
export class AllowedEgressRegistry {
  /** Workloads whose allowed egress no policy can express, because their pods have no known namespace or no labels. */
  public readonly unplaced: IConstruct[] = [];

  /** What nobody has asked for yet: most apps have no boundary, which alone does. */
  private added: [by: IConstruct, allowed: () => Omit<AllowedEgress, 'by'>[]][] = [];
  private readonly byPlace = new Map<string, AllowedEgress[]>();
  private readonly callers = new Map<string, Set<string>>();
  private readonly listeners: (() => void)[] = [];

  /** Adds what a construct needs. */
  public add(by: IConstruct, allowed: () => Omit<AllowedEgress, 'by'>[]): void {
    touch(by);
    this.added.push([by, allowed]);
    const known = this.byPlace.size;
    if (this.listeners.length > 0 && this.arranged().size > known) for (const listener of this.listeners) listener();
  }

  /** Calls the listener whenever there are further pods. */
  public onPlace(listener: () => void): void {
    this.arranged();
    this.listeners.push(listener);
  }

  /** The pods for which something is allowed. */
  public get places(): PodPlace[] {
    return [...this.arranged().values()].map(([{ from }]) => from);
  }

  /** What is allowed for these pods; without labels, what is allowed for every pod of the namespace. */
  public of(place: PodPlace): AllowedEgress[] {
    return this.arranged().get(placeKey(place)) ?? [];
  }

  /** The namespaces from which a gateway is called. */
  public callerNamespaces(gateway: GatewayInstallation): string[] {
    this.arranged();
    return [...(this.callers.get(placeKey(gateway)) ?? [])];
  }

  /** What is allowed, by the pods that it is for. */
  private arranged(): ReadonlyMap<string, AllowedEgress[]> {
    const { added } = this;
    this.added = [];
    for (const [by, list] of added)
      for (const allowed of list()) {
        addTo(this.byPlace, placeKey(allowed.from), { by, ...allowed });
        if (allowed.gateway)
          valueIn(this.callers, placeKey(allowed.gateway), () => new Set()).add(allowed.from.namespace);
      }
    return this.byPlace;
  }
}

/** What the constructs of an app need from the network. */
export const allowedEgressOf = perApp(() => new AllowedEgressRegistry());

/** Equal for equal namespaces and labels, in whatever order the labels are written. */
export function placeKey({ namespace, labels }: PodPlace): string {
  return JSON.stringify([namespace, Object.entries(labels ?? {}).sort()]);
}
