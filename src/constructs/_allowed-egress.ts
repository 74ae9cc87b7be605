import { IConstruct } from 'constructs';
import { GatewayInstallation } from '../values/gateway-installation';

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

/** What a declared way needs of the network. Boundaries read it; where there is none, it means nothing. */
export interface AllowedEgress {
  /** The construct that asks for it. */
  readonly by: IConstruct;
  readonly from: PodPlace;
  /** Leads to the pods of this gateway. */
  readonly gateway?: GatewayInstallation;
  /** Asked for at synth, when every port is known. */
  readonly to?: () => AllowedDestination[];
  /** Why it is a hole, where it is one. */
  readonly unsafe?: string;
}

/** Every opening of an app. */
export class AllowedEgressOfApp {
  /** Workloads with openings whose pods nobody can tell: of no namespace, or without labels. */
  public readonly unplaced: IConstruct[] = [];

  private readonly byPlace = new Map<string, AllowedEgress[]>();
  private readonly callers = new Map<string, Set<string>>();
  private readonly listeners: ((allowed: AllowedEgress) => void)[] = [];

  public add(allowed: AllowedEgress): void {
    const { from, gateway } = allowed;
    const key = placeKey(from);
    const known = this.byPlace.get(key);
    if (known) known.push(allowed);
    else this.byPlace.set(key, [allowed]);
    if (gateway) this.callersOf(gateway).add(from.namespace);
    for (const listener of this.listeners) listener(allowed);
  }

  /** Tells of every opening there is and will be. */
  public each(listener: (allowed: AllowedEgress) => void): void {
    for (const allowedEgress of this.byPlace.values()) allowedEgress.forEach(listener);
    this.listeners.push(listener);
  }

  /** What these pods need; without labels: what all pods of the namespace need. */
  public of(place: PodPlace): AllowedEgress[] {
    return this.byPlace.get(placeKey(place)) ?? [];
  }

  /** The namespaces from which a gateway is called. */
  public callerNamespaces(gateway: GatewayInstallation): string[] {
    return [...this.callersOf(gateway)];
  }

  private callersOf(gateway: GatewayInstallation): Set<string> {
    const key = placeKey(gateway);
    if (!this.callers.has(key)) this.callers.set(key, new Set());
    return this.callers.get(key)!;
  }
}

/** The same for the same pods. */
export function placeKey({ namespace, labels }: PodPlace): string {
  return JSON.stringify([namespace, Object.entries(labels ?? {}).sort()]);
}
